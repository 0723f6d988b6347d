"""`minirnn grade`, `release` and `dev`: what is read, what is written, what is refused."""

from __future__ import annotations

import csv
import json
import re
import shlex
import zipfile
from argparse import Namespace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import pytest

from minirnn import cli
from minirnn.course import dev_commands, grade_worker, grader, grading
from minirnn.course import submissions as reading
from minirnn.course.commands import COMMANDS
from minirnn.course.dev import stub_text
from minirnn.course.grade_report import mistakes
from minirnn.course.grader import Grade, Sheet, clean, plan
from minirnn.course.judge import CRASHED, NOT_ATTEMPTED, RIGHT, WRONG_VALUE
from minirnn.course.reference import mutant_text, solution_text
from minirnn.course.submissions import submissions
from minirnn.course.table import NAMES, exercise
from minirnn.errors import DataError

DOCS = Path(__file__).resolve().parents[2] / "docs" / "instructors.md"
FEW = ("rnn1", "unroll1", "rnn2", "clip1")


def solution(name: str) -> str:
    return solution_text(exercise(name).folder, name)


def mutant(name: str, key: str) -> str:
    e = exercise(name)
    return mutant_text(e, next(m for m in e.mistakes if m.key == key))


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def parse(*argv: str) -> Namespace:
    parser = cli.Parser(prog="minirnn")
    table = parser.add_subparsers(required=True, parser_class=cli.Parser)
    for command in (*COMMANDS, *grading.COMMANDS, *dev_commands.COMMANDS):
        cli._add(table, command)
    return parser.parse_args(argv)


def run(*argv: object) -> tuple[dict[str, Any], str]:
    args = parse(*map(str, argv))
    result = args.command.run(args)
    json.dumps(result, allow_nan=False)
    return result, args.command.show(result)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    monkeypatch.setattr(grader, "NAMES", FEW)
    return FEW


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory):
    """Three students and three archives that nobody can read, graded."""
    root = tmp_path_factory.mktemp("class")
    subs = root / "submissions"
    for name in FEW:  # all right
        put(subs / "anna" / exercise(name).file, solution(name))
    put(subs / "ben" / "rnn1.py", mutant("rnn1", "no-bias"))  # flat
    put(subs / "ben" / "rnn2.py", mutant("rnn2", "no-tanh-derivative"))
    put(
        subs / "ben" / "clip1.py", "def clip_by_global_norm(grads, max_norm):\n    raise KeyError('\\x1b[31m<&\\x00')\n"
    )
    put(subs / "ben" / "unroll1.py", stub_text(exercise("unroll1")))
    with zipfile.ZipFile(subs / "cleo.zip", "w") as archive:
        archive.writestr("cleo/exercises/05_sequences/rnn1.py", solution("rnn1"))
        archive.writestr("cleo/exercises/06_bptt/rnn2.py", mutant("rnn2", "no-tanh-derivative"))
    with zipfile.ZipFile(subs / "dora.zip", "w") as archive:
        archive.writestr("../../dora/rnn1.py", solution("rnn1"))
    (subs / "emil.zip").write_bytes(b"no archive")
    (subs / "finn.tar.gz").write_bytes(b"x")
    put(subs / "README.md", "not a submission")
    patch = pytest.MonkeyPatch()
    patch.setattr(grader, "NAMES", FEW)
    result, shown = run("grade", subs, "--out", root / "report", "--seed", "7")
    patch.undo()
    return root / "report", result, shown


def test_scores(report) -> None:
    out, result, shown = report
    assert result["students"] == {"anna": 4, "ben": 0, "cleo": 1}
    assert set(result["unreadable"]) == {"dora", "emil", "finn.tar.gz"}
    assert result["outcomes"] == {RIGHT: 5, WRONG_VALUE: 3, CRASHED: 1, NOT_ATTEMPTED: 3}
    rows = {
        row["student"]: row for row in csv.DictReader((out / "scores.csv").read_text(encoding="utf-8").splitlines())
    }
    assert [rows["anna"][n] for n in ("points", "of", *FEW)] == ["4", "4", "1", "1", "1", "1"]
    assert [rows["cleo"][n] for n in FEW] == ["1", "0", "0", "0"]
    assert rows["dora"]["rnn1"] == ""
    assert "leads out of its folder" in rows["dora"]["problem"]
    scores = json.loads((out / "scores.json").read_text(encoding="utf-8"))
    assert scores["seed"] == 7
    ben = next(s for s in scores["students"] if s["student"] == "ben")
    assert {f["name"]: f["outcome"] for f in ben["functions"]} == {
        "rnn1": WRONG_VALUE,
        "unroll1": NOT_ATTEMPTED,
        "rnn2": WRONG_VALUE,
        "clip1": CRASHED,
    }
    assert json.loads((out / "students" / "ben.json").read_text(encoding="utf-8")) == ben
    assert "not graded: emil" in shown


def test_feedback_has_the_words_of_check(report) -> None:
    out, *_ = report
    text = (out / "feedback" / "ben.txt").read_text(encoding="utf-8")
    assert "ben: 0 of 4 functions are right." in text
    assert "likely cause: the bias is missing" in text
    assert "likely cause: the derivative of tanh is missing" in text
    assert "not attempted: unroll1" in text
    assert "\x1b" not in text
    assert (out / "feedback" / "anna.txt").read_text(encoding="utf-8").count("  right\n") == 4
    assert "leads out of its folder" in (out / "feedback" / "dora.txt").read_text(encoding="utf-8")


def test_junit(report) -> None:
    out, *_ = report
    suites = {s.get("name"): s for s in Xml.parse(out / "junit.xml").getroot()}
    ben = suites["ben"]
    assert [ben.get(k) for k in ("tests", "failures", "skipped", "errors")] == ["4", "3", "1", "0"]
    cases = {case.get("name"): case for case in ben}
    failure = cases["rnn1 rnn_step_forward"].find("failure")
    assert failure is not None
    assert failure.get("message") == "the bias is missing"
    assert "likely cause: the bias is missing" in (failure.text or "")
    assert suites["anna"].get("failures") == "0"
    assert suites["emil"].get("errors") == "1"


def test_class_report(report) -> None:
    out, *_ = report
    text = (out / "class.md").read_text(encoding="utf-8")
    assert "| 2 | rnn2 `rnn_step_backward` | the derivative of tanh is missing" in text
    assert text.index("| 2 | rnn2") < text.index("| 1 | rnn1")
    assert "| rnn2 `rnn_step_backward` | 1 | 2 | 0 | 0 | 0 |" in text
    assert "- dora: " in text
    for name in ("mistakes.png", "outcomes.png"):
        assert (out / name).read_bytes().startswith(b"\x89PNG")


def test_the_same_seed_gives_the_same_scores_and_inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grader, "NAMES", ("rnn1",))
    put(tmp_path / "subs" / "ben" / "rnn1.py", mutant("rnn1", "no-bias"))
    texts = []
    for k, seed in enumerate(("3", "3", "4")):
        run("grade", tmp_path / "subs", "--out", tmp_path / f"r{k}", "--seed", seed)
        texts.append((tmp_path / f"r{k}" / "feedback" / "ben.txt").read_text(encoding="utf-8"))
    assert texts[0] == texts[1] != texts[2]
    assert plan(None, 10, None).seed != plan(None, 10, None).seed


def test_one_workspace_is_one_submission(tmp_path: Path, few: tuple[str, ...]) -> None:
    put(tmp_path / "anna" / exercise("rnn1").file, solution("rnn1"))
    result, _ = run("grade", tmp_path / "anna", "--out", tmp_path / "report", "--jobs", "1")
    assert result["students"] == {"anna": 1}


def test_stubs_and_missing_files_need_no_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*args: object) -> None:
        raise AssertionError("a worker was started")

    monkeypatch.setattr(grade_worker, "Worker", none)
    put(tmp_path / "subs" / "ben" / "rnn1.py", stub_text(exercise("rnn1")).replace("\n", "\r\n"))
    result, _ = run("grade", tmp_path / "subs", "--out", tmp_path / "report")
    assert result["outcomes"] == {NOT_ATTEMPTED: len(NAMES)}


def test_what_is_graded_stays_when_the_run_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grader, "NAMES", ("rnn1",))
    for student in ("anna", "ben"):
        put(tmp_path / "subs" / student / "rnn1.py", solution("rnn1"))
    real = grader.grade_one

    def stopped(e, submission, *rest) -> Grade:
        if submission.student == "ben":
            raise KeyboardInterrupt
        return real(e, submission, *rest)

    monkeypatch.setattr(grader, "grade_one", stopped)
    with pytest.raises(KeyboardInterrupt):
        run("grade", tmp_path / "subs", "--out", tmp_path / "report", "--jobs", "1")
    assert "1 of 1 functions are right" in (tmp_path / "report" / "feedback" / "anna.txt").read_text(encoding="utf-8")
    assert "anna,1,1,1" in (tmp_path / "report" / "scores.csv").read_text(encoding="utf-8")
    assert not list((tmp_path / "report").rglob("*.tmp"))


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (("grade", "missing", "--out", "report"), "is no folder"),
        (("grade", "empty", "--out", "report"), "holds no submission"),
        (("grade", "subs", "--out", "full"), "holds something already"),
        (("grade", "subs", "--out", "subs/report"), "lies inside"),
        (("grade", "subs", "--out", "report", "--hidden", "empty"), "defines no exercises"),
        (("grade", "subs", "--out", "report", "--hidden", "missing"), "is no folder"),
        (("release", "full"), "holds something already"),
        (("dev", "check", "rnn9"), "there is no exercise 'rnn9'"),
    ],
)
def test_bad_input(argv: tuple[str, ...], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    put(tmp_path / "full" / "file", "")
    put(tmp_path / "subs" / "anna" / "rnn1.py", "")
    with pytest.raises(DataError, match=says):
        run(*argv)


@pytest.mark.parametrize(
    "argv", [("--jobs", "0"), ("--jobs", "x"), ("--seconds", "nan"), ("--seconds", "0"), ("--seed", "-1")]
)
def test_bad_numbers(argv: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        parse("grade", "subs", "--out", "report", *argv)
    assert stop.value.code == 2
    assert "expected" in capsys.readouterr().err


# what students hand in

WANTED = {"rnn1": "05_sequences", "rnn2": "06_bptt"}


def read(folder: Path, tmp_path: Path) -> dict[str, reading.Submission]:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return {s.student: s for s in submissions(folder, scratch, WANTED)}


def test_the_file_in_its_place_is_chosen(tmp_path: Path) -> None:
    folder = tmp_path / "subs" / "anna"
    for place in (
        "old/rnn1.py",
        "exercises/05_sequences/rnn1.py",
        "rnn1.py",
        "deep/er/rnn2.py",
        "deep/rnn2.py",
        ".git/rnn2.py",
        "__pycache__/rnn2.py",
    ):
        put(folder / place, place)
    anna = read(tmp_path / "subs", tmp_path)["anna"]
    assert anna.places == {"rnn1": "exercises/05_sequences/rnn1.py", "rnn2": "deep/rnn2.py"}
    assert any("3 files are named rnn1.py" in note for note in anna.notes)


def test_links_and_large_files_are_left_out(tmp_path: Path) -> None:
    secret = put(tmp_path / "secret.py", "secret")
    folder = tmp_path / "subs" / "anna"
    put(folder / "rnn2.py", "#" * (reading.FILE_BYTES + 1))
    try:
        (folder / "rnn1.py").symlink_to(secret)
        (tmp_path / "subs" / "ben").symlink_to(tmp_path)
    except OSError:
        pytest.skip("the system makes no links")
    found = read(tmp_path / "subs", tmp_path)
    assert found["anna"].files == {}
    assert any("is no plain file" in note for note in found["anna"].notes)
    assert any("more than" in note for note in found["anna"].notes)
    assert "it is a link" in found["ben"].problem


@pytest.mark.parametrize(
    "name", ["../rnn1.py", "a/../../rnn1.py", "/rnn1.py", "C:\\rnn1.py", "..\\rnn1.py", "\\rnn1.py"]
)
def test_paths_that_lead_out_are_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "subs").mkdir()
    with zipfile.ZipFile(tmp_path / "subs" / "anna.zip", "w") as archive:
        archive.writestr("rnn2.py", "")
        archive.writestr(zipfile.ZipInfo(name), "")
    anna = read(tmp_path / "subs", tmp_path)["anna"]
    assert "leads out of its folder" in anna.problem
    assert anna.files == {}


def test_zip_bombs_are_refused(tmp_path: Path) -> None:
    (tmp_path / "subs").mkdir()
    with zipfile.ZipFile(tmp_path / "subs" / "large.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("rnn1.py", bytes(reading.UNPACKED + 1))
    with zipfile.ZipFile(tmp_path / "subs" / "many.zip", "w") as archive:
        for k in range(reading.ENTRIES + 1):
            archive.writestr(f"{k}", b"")
    data = bytearray((tmp_path / "subs" / "large.zip").read_bytes())
    where = data.rindex(b"PK\x01\x02") + 24  # the size that the archive says
    data[where : where + 4] = (1000).to_bytes(4, "little")
    (tmp_path / "subs" / "liar.zip").write_bytes(data)
    found = read(tmp_path / "subs", tmp_path)
    assert "unpacks to" in found["large"].problem
    assert "entries" in found["many"].problem
    assert found["liar"].problem  # what comes does not fit what was said
    assert sum(path.stat().st_size for path in (tmp_path / "scratch").rglob("*") if path.is_file()) < 2000


def test_a_student_counts_once(tmp_path: Path) -> None:
    put(tmp_path / "subs" / "anna" / "rnn1.py", "x = 1")
    with zipfile.ZipFile(tmp_path / "subs" / "anna.zip", "w") as archive:
        archive.writestr("rnn1.py", "x = 2")
    found = read(tmp_path / "subs", tmp_path)
    assert found["anna"].files
    assert "already" in found["anna.zip"].problem


def test_an_encrypted_archive_is_named(tmp_path: Path) -> None:
    (tmp_path / "subs").mkdir()
    path = tmp_path / "subs" / "anna.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("rnn1.py", "x = 1")
    data = bytearray(path.read_bytes())
    data[data.rindex(b"PK\x01\x02") + 8] |= 1  # the flag: encrypted
    data[6] |= 1
    path.write_bytes(data)
    assert "no readable zip archive" in read(tmp_path / "subs", tmp_path)["anna"].problem


# hidden exercises

HIDDEN = """
import numpy as np
from minirnn.course.exercise import Exercise, Probe, Mistake

def swish_forward(x):
    s = 1 / (1 + np.exp(-x))
    return x * s, (x, s)

def swish_backward(dy, cache):
    x, s = cache
    return (dy * (s + x * s * (1 - s)),)

def probes(rng):
    return Probe((rng.standard_normal((3, 4)),)), Probe((rng.standard_normal(5),), note="one axis")

swish1 = Exercise(name="swish1", function="swish_forward", folder="exam", title="Swish", truth=swish_forward, probes=probes,
    inputs={"x": "N D"}, outputs=(("y", "N D"),), cache=True, hints=("", "", ""), why="")
swish2 = Exercise(name="swish2", function="swish_backward", folder="exam", title="Swish, backward", truth=swish_backward,
    truth_forward=swish_forward, probes=probes, inputs={"x": "N D"}, outputs=(("dx", "N D"),), hints=("", "", ""), why="",
    mistakes=(Mistake("no-product-rule", "the second term is missing: x depends on itself twice", (("s + x * s * (1 - s)", "s"),)),))
EXERCISES = (swish1, swish2)
"""
SWISH1 = "import numpy as np\ndef swish_forward(x):\n    s = 1 / (1 + np.exp(-x))\n    return x * s, (x, s)\n"
SWISH2 = "def swish_backward(dy, cache):\n    x, s = cache\n    return (dy * (s + x * s * (1 - s)),)\n"


def test_hidden_exercises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grader, "NAMES", ())
    put(tmp_path / "hidden" / "exam.py", HIDDEN)
    put(tmp_path / "hidden" / "solutions" / "swish2.py", SWISH2)
    put(tmp_path / "subs" / "anna" / "swish1.py", SWISH1)
    put(tmp_path / "subs" / "anna" / "swish2.py", SWISH2)
    put(tmp_path / "subs" / "ben" / "exercises" / "hidden" / "swish2.py", SWISH2.replace("s + x * s * (1 - s)", "s"))
    result, _ = run("grade", tmp_path / "subs", "--out", tmp_path / "report", "--hidden", tmp_path / "hidden")
    assert result["students"] == {"anna": 2, "ben": 0}
    assert "likely cause: the second term is missing" in (tmp_path / "report" / "feedback" / "ben.txt").read_text(
        encoding="utf-8"
    )


def test_hidden_probes_for_a_function_of_the_course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grader, "NAMES", ("rnn1",))
    put(
        tmp_path / "hidden" / "more.py",
        "from dataclasses import replace\nfrom minirnn.course.exercise import Probe\n"
        "from minirnn.course.topics.sequences import rnn1, rnn_args\n"
        "EXERCISES = (replace(rnn1, name='rnn1_large', probes=lambda rng: (Probe(rnn_args(rng, 40, 30, 20)),)),)",
    )
    put(tmp_path / "subs" / "anna" / "rnn1.py", solution("rnn1"))
    result, _ = run("grade", tmp_path / "subs", "--out", tmp_path / "report", "--hidden", tmp_path / "hidden")
    assert result["students"] == {"anna": 2}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("EXERCISES = (swish1, swish2)", "EXERCISES = [swish1]", "no tuple"),
        ("EXERCISES = (swish1, swish2)", "EXERCISES = (swish1, swish1)", "already"),
        ('name="swish1"', 'name="rnn1"', "already"),
        ("return x * s, (x, s)", "return x * s", "its own truth is judged"),
        ("EXERCISES =", "EXERCISES = (", "could not be loaded"),
        (
            'folder="exam", title="Swish, backward"',
            'forward="swish1", folder="exam", title="Swish, backward"',
            "one of the course's",
        ),
    ],
)
def test_hidden_exercises_that_do_not_work(old: str, new: str, says: str, tmp_path: Path) -> None:
    assert old in HIDDEN
    put(tmp_path / "hidden" / "exam.py", HIDDEN.replace(old, new))
    with pytest.raises(DataError, match=says):
        plan(1, 10, tmp_path / "hidden")


# small things


def test_texts_are_clean() -> None:
    assert clean("a\x1b[31m\x00\nü\ud800") == "a\\x1b[31m\\x00\nü\\ud800"
    grade = Grade("rnn1", "rnn_step_forward", "05_sequences", WRONG_VALUE, 0, 0, 1, ("odd-key",), (), "text", 0.1)
    assert mistakes([Sheet("=1+1", (grade,))], {"rnn1": exercise("rnn1")}) == [("rnn1", "odd-key", "odd key", 1)]


def test_names_that_spreadsheets_and_markdown_misread() -> None:
    from minirnn.course.grade_report import class_text, junit, scores_csv

    sheet = Sheet("=HYPERLINK(1)|<b>", (Grade("rnn1", "f", "x", RIGHT, 1, 1, 1, (), (), "", 0.0),))
    assert "'=HYPERLINK" in scores_csv([sheet], ["rnn1"])
    assert "\\|\\<b\\>" in class_text([sheet], {"rnn1": exercise("rnn1")}, [], 1)
    assert Xml.fromstring(junit([sheet]).split("\n", 1)[1])[0].get("name") == "=HYPERLINK(1)|<b>"


def test_every_function_has_its_answer_hidden() -> None:
    for name in NAMES:
        e = exercise(name)
        hidden = grade_worker.answers(e)
        if e.truth.__module__.startswith("minirnn.course."):
            assert not hidden  # its module is never loaded in the worker, nor can it be
        else:
            assert (e.truth.__module__, e.truth.__name__) in hidden
        if e.truth_forward is not None:  # it makes the caches
            assert (e.truth_forward.__module__, e.truth_forward.__name__) not in hidden


# release, dev


def test_release_has_no_solutions(tmp_path: Path) -> None:
    result, shown = run("release", tmp_path / "students")
    files = {
        path.relative_to(tmp_path / "students").as_posix()
        for path in (tmp_path / "students").rglob("*")
        if path.is_file()
    }
    assert len(files) == result["files"]
    assert "no solutions" in shown
    for name in NAMES:
        e = exercise(name)
        text = (tmp_path / "students" / e.file).read_text(encoding="utf-8")
        assert f'raise NotImplementedError("{name}' in text
        assert text != solution(name)


def test_release_refuses_what_somebody_has_filled_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path / "rnn1.py", solution("rnn1"))
    monkeypatch.setattr(grading, "shipped", lambda: iter([(exercise("rnn1").file, path)]))
    with pytest.raises(DataError, match="is not the stub"):
        run("release", tmp_path / "students")
    assert not (tmp_path / "students").exists()


def test_dev_check_and_stubs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev_commands, "material", lambda: tmp_path)
    (tmp_path / "exercises").mkdir()
    result, shown = run("dev", "check", "relu1")
    assert "minirnn dev stubs" in shown
    assert parse("dev", "check").command.status(result) == 1
    result, shown = run("dev", "stubs", "relu1")
    assert len(result["written"]) == 2
    assert run("dev", "stubs", "relu1")[0]["written"] == []
    result, shown = run("dev", "check", "relu1")
    assert shown.startswith("ok  relu1")
    assert parse("dev", "check").command.status(result) == 0


def commands_in(text: str) -> list[str]:
    return re.findall(r"^\s*(?:run: |\$ )?minirnn (.+)$", text, flags=re.M) + re.findall(r"`minirnn ([^`]+)`", text)


def test_the_commands_of_the_instructors_guide_parse() -> None:
    found = commands_in(DOCS.read_text(encoding="utf-8"))
    assert len(found) >= 8
    for line in found:
        assert parse(*shlex.split(line.split("  #")[0].replace("NAME", "rnn2"))).command.name in line
