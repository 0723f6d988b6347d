"""Downloads from a local server that cuts off, stalls, lies and serves other bytes."""

import errno
import hashlib
import io
import json
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from minirnn.cli import main
from minirnn.data import download as module
from minirnn.data import downloads
from minirnn.data.download import Remote, download
from minirnn.data.downloads import SETS, DataSet, find_set, get
from minirnn.errors import DataError

BYTES = np.random.default_rng(0).integers(0, 256, 200_000, dtype=np.uint8).tobytes()
SUM = f"sha256:{hashlib.sha256(BYTES).hexdigest()}"


class Server:
    """Serves BYTES; `moods` says how, one request after the other, the last one from then on."""

    def __init__(self):
        self.moods, self.asked, self.paths = ["honest"], [], []
        self.bytes = BYTES
        self.done = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def do_GET(self):
                outer.asked.append(self.headers.get("Range"))
                outer.paths.append(self.path)
                mood = outer.moods[min(len(outer.asked), len(outer.moods)) - 1]
                outer.serve(self, mood)
                self.close_connection = True

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.02,))
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.http.server_address[1]}/"

    def serve(self, handler, mood):
        kind, _, number = mood.partition(":")
        data = self.bytes
        start = int((handler.headers.get("Range") or "bytes=0-")[6:-1])
        if kind == "status":
            handler.send_response(int(number))
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return None
        if kind == "ignores range":
            start = 0
        if kind == "other bytes":
            data = bytes(len(data))
        if kind == "elsewhere":  # says 206 but begins at another place
            start = 0
        if start >= len(data):
            return self.serve(handler, "status:416")
        body = data[start:]
        handler.send_response(206 if start or kind == "elsewhere" else 200)
        if start or kind == "elsewhere":
            handler.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        if kind == "too much":
            body = body + bytes(100_000)
        if kind == "page":
            handler.send_header("Content-Type", "text/html; charset=utf-8")
        length = {"says less": 1000, "says more": len(body) + 5000}.get(kind, len(body))
        handler.send_header("Content-Length", str(length))
        handler.end_headers()
        if kind in ("cuts off", "stalls"):
            body = body[: int(number)]
        handler.wfile.write(body)
        if kind == "stalls":
            handler.wfile.flush()
            self.done.wait(5)
        return None

    def close(self):
        self.done.set()
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(module, "TIMEOUT", 0.3)
    monkeypatch.setattr(module, "PAUSE", 0.0)
    server = Server()
    yield server
    server.close()


def remote(server, **other):
    return Remote(
        **{"name": "file.bin", "urls": (server.url + "file.bin",), "checksum": SUM, "size": len(BYTES), **other}
    )


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_comes_whole_and_is_not_asked_for_again(server, tmp_path):
    told = []
    path = download(remote(server), tmp_path / "new", lambda *args: told.append(args))
    assert path == tmp_path / "new" / "file.bin"
    assert path.read_bytes() == BYTES
    assert told[-1] == ("file.bin", len(BYTES), len(BYTES))
    assert download(remote(server), tmp_path / "new") == path
    assert server.asked == [None]
    assert names(tmp_path / "new") == ["file.bin"]


def test_a_damaged_file_is_brought_again(server, tmp_path):
    (tmp_path / "file.bin").write_bytes(BYTES[:-1] + b"?")
    assert download(remote(server), tmp_path).read_bytes() == BYTES


@pytest.mark.parametrize("mood", ["cuts off:70000", "stalls:70000", "says more"])
def test_a_connection_that_breaks_is_gone_on_with(server, tmp_path, mood):
    server.moods = [mood, "honest"]
    assert download(remote(server), tmp_path).read_bytes() == BYTES
    if mood != "says more":
        assert server.asked == [None, "bytes=70000-"]
    assert names(tmp_path) == ["file.bin"]


def test_a_server_that_says_less_than_there_is(server, tmp_path):
    server.moods = ["says less", "honest"]
    assert download(remote(server), tmp_path).read_bytes() == BYTES
    assert server.asked == [None, "bytes=1000-"]


@pytest.mark.parametrize("mood", ["cuts off:10000", "stalls:10000"])
def test_what_came_is_kept_for_the_next_command(server, tmp_path, mood):
    server.moods = [mood]
    with pytest.raises(DataError, match=r"40,000 of 200,000 bytes of file.bin; run the command again to go on"):
        download(remote(server), tmp_path)
    assert names(tmp_path) == ["file.bin.part"]
    server.moods = ["honest"]
    assert download(remote(server), tmp_path).read_bytes() == BYTES
    assert server.asked[-1] == "bytes=40000-"


@pytest.mark.parametrize("mood", ["ignores range", "elsewhere"])
def test_a_server_that_does_not_go_on_sends_all_of_it_again(server, tmp_path, mood):
    (tmp_path / "file.bin.part").write_bytes(BYTES[:5000])
    server.moods = [mood]
    assert download(remote(server), tmp_path).read_bytes() == BYTES
    assert server.asked == ["bytes=5000-"]


def test_wrong_bytes_never_get_the_name_and_are_removed(server, tmp_path):
    server.moods = ["other bytes"]
    with pytest.raises(DataError, match=r"file.bin from 127.0.0.1:\d+ has the wrong checksum .*it was removed"):
        download(remote(server), tmp_path)
    assert names(tmp_path) == []


def test_a_part_of_another_file_is_thrown_away_and_all_is_asked_for(server, tmp_path):
    (tmp_path / "file.bin.part").write_bytes(bytes(5000))
    assert download(remote(server), tmp_path).read_bytes() == BYTES
    assert server.asked == ["bytes=5000-", None]


@pytest.mark.parametrize("have", [len(BYTES), len(BYTES) + 1])
def test_a_part_that_is_whole_or_too_long(server, tmp_path, have):
    (tmp_path / "file.bin.part").write_bytes((BYTES + b"?")[:have])
    assert download(remote(server), tmp_path).read_bytes() == BYTES
    assert server.asked == ([] if have == len(BYTES) else [None])


def test_a_server_that_has_nothing_at_that_place(server, tmp_path):
    (tmp_path / "file.bin.part").write_bytes(BYTES[:5000])
    server.moods = ["status:416", "honest"]
    assert download(remote(server), tmp_path).read_bytes() == BYTES
    assert server.asked == ["bytes=5000-", None]


def test_more_bytes_than_expected_are_refused(server, tmp_path):
    server.moods = ["too much"]
    with pytest.raises(DataError, match="sends more than the 200,000 bytes"):
        download(remote(server), tmp_path)
    assert names(tmp_path) == []


@pytest.mark.parametrize(("status", "asked"), [(404, 1), (403, 1), (500, 4), (503, 4)])
def test_a_server_that_refuses(server, tmp_path, status, asked):
    server.moods = [f"status:{status}"]
    with pytest.raises(DataError, match=f"the server answers {status}"):
        download(remote(server), tmp_path)
    assert len(server.asked) == asked
    assert names(tmp_path) == []


def test_a_login_page_is_not_taken_for_the_file(server, tmp_path):
    server.moods = ["page"]
    with pytest.raises(DataError, match="answers with a web page instead of file.bin"):
        download(remote(server), tmp_path)
    assert names(tmp_path) == []


def test_a_busy_server_is_asked_again(server, tmp_path):
    server.moods = ["status:503", "honest"]
    assert download(remote(server), tmp_path).read_bytes() == BYTES


def test_the_second_address_goes_on_where_the_first_broke(server, tmp_path):
    server.moods = ["cuts off:1000", "status:404", "honest"]
    urls = (server.url + "first", server.url + "second")
    assert download(remote(server, urls=urls), tmp_path).read_bytes() == BYTES
    assert server.paths == ["/first", "/first", "/second"]
    assert server.asked[-1] == "bytes=1000-"


def test_no_network_is_one_clear_sentence(tmp_path):
    file = Remote("file.bin", ("http://127.0.0.1:9/file.bin",), SUM, 10)
    with pytest.raises(DataError, match=r"cannot reach 127.0.0.1:9 \(.*refused\); is there a network\?"):
        download(file, tmp_path)
    with pytest.raises(DataError, match=r"cannot reach nowhere.invalid .*is there a network"):
        download(file._replace(urls=("http://nowhere.invalid/file.bin",)), tmp_path)


def test_too_little_room_is_said_before_anything_is_asked(server, tmp_path, monkeypatch):
    usage = module.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda path: usage._replace(free=5))
    with pytest.raises(DataError, match=r"5 bytes left .* file.bin needs 200,000 more"):
        download(remote(server), tmp_path)
    assert server.asked == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_disk_that_fills_up(server, tmp_path):
    (tmp_path / "file.bin.part").symlink_to("/dev/full")
    with pytest.raises(DataError, match=r"the disk of .* is full; free 200,000 bytes"):
        download(remote(server), tmp_path)


def test_other_errors_of_the_disk_keep_their_kind(tmp_path):
    error = OSError(errno.EACCES, "no")
    assert module._disk(error, tmp_path, Remote("a", (), SUM, 1)) is error


def test_a_folder_that_is_a_file(server, tmp_path):
    (tmp_path / "data").write_text("")
    with pytest.raises(DataError, match="data is a file"):
        download(remote(server), tmp_path / "data")


# --- sets ----------------------------------------------------------------------------------------------------------


def archive(members):
    """A tar.gz of {name: bytes}."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def archive_set(server, data, members):
    server.bytes = data
    checksum = f"md5:{hashlib.md5(data).hexdigest()}"
    file = remote(server, name="set.tar.gz", checksum=checksum, size=len(data))
    return DataSet("set", "a set", "none", (file,), "next {folder}", members)


def test_an_archive_is_unpacked_flat_and_nothing_else_of_it(server, tmp_path):
    data = archive({"x/a.bin": b"aaa", "../evil": b"e", "/b.bin": b"bb", "x/c.bin": b"c"})
    wanted = archive_set(server, data, (("a.bin", 3), ("b.bin", 2)))
    folder = tmp_path / "deep" / "set"
    assert get(wanted, folder) == [folder / "a.bin", folder / "b.bin"]
    assert names(folder) == ["a.bin", "b.bin"]
    assert (folder / "b.bin").read_bytes() == b"bb"
    assert names(tmp_path / "deep") == ["set"]
    get(wanted, folder)
    assert len(server.asked) == 1


def test_an_archive_without_what_it_should_hold(server, tmp_path):
    wanted = archive_set(server, archive({"a.bin": b"aaa"}), (("a.bin", 3), ("b.bin", 2)))
    with pytest.raises(DataError, match="does not hold b.bin"):
        get(wanted, tmp_path)
    wanted = archive_set(server, b"this is no archive", (("a.bin", 3),))
    with pytest.raises(DataError, match="damaged archive"):
        get(wanted, tmp_path / "other")


def test_every_set_is_told_in_full():
    assert len({s.name for s in SETS}) == len(SETS)
    for dataset in SETS:
        for file in dataset.files:
            kind, value = file.checksum.split(":")
            assert len(value) == {"sha256": 64, "md5": 32}[kind]
            assert file.size > 0
            assert all(url.startswith(("https://", "http://fashion-mnist.s3")) for url in file.urls)
    with pytest.raises(DataError, match="no set 'imagenet' to get; expected one of mnist"):
        find_set("imagenet")


def test_the_commands(server, tmp_path, capsys, monkeypatch):
    wanted = DataSet("small", "a small set", "none", (remote(server),), "look into {folder}")
    monkeypatch.setattr(downloads, "SETS", (wanted,))
    monkeypatch.chdir(tmp_path)
    assert main(["data", "list"]) == 0
    assert "a small set" in capsys.readouterr().out
    assert main(["data", "get", "small", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert Path(result["files"][0]).read_bytes() == BYTES
    assert result["next"] == f"look into {Path('data', 'small')}"
    assert main(["data", "get", "small", "--to", str(tmp_path / "here")]) == 0
    assert (tmp_path / "here" / "file.bin").exists()
    capsys.readouterr()
    for argv, says in ((["get"], "needs a name"), (["get", "large"], "'large'"), (["list", "small"], "takes nothing")):
        assert main(["data", *argv]) == 2
        assert says in capsys.readouterr().err
