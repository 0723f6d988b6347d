"""What each trick of the fast twins buys, measured apart from all others.

    python -m benchmarks.tricks [--json] [--threads 1]

Every row is the same work done twice, plainly and with the trick, the two taking turns; the gain is the median of the
ratios. Beside it stands the gain that arithmetic predicts from what the machine does (about 80 GFLOP/s in large matrix
products, 0.2 ns for a simple operation on a float32 in the cache, 3 ns for a tanh, 1 us to call NumPy, a page fault for
each 4 KB of fresh memory). Where the two differ, the arithmetic missed something: that is where to look next.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from benchmarks.measuring import Worker, WorkerError, serve, timed
from benchmarks.parser import Parser
from benchmarks.workloads.captioning import fresh
from minirnn import fast, init, optim
from minirnn import functional as F
from minirnn.fast import columns
from minirnn.fast import optim as fast_optim
from minirnn.fast.rows import add_bias, column_sums
from minirnn.fast.time import sigmoid_of_negated
from minirnn.functional import ConvParams, LSTMState
from minirnn.functional.activations import logistic
from minirnn.pair import Array, Pair
from minirnn.tree import tree_map
from minirnn.unroll import beside

ROUNDS = 31
Work = Callable[[], Any]


class Trick(NamedTuple):
    """The same work twice."""

    what: str
    predicted: float  # times as fast
    because: str
    set_up: Callable[[], tuple[Work, Work]]  # (plainly, with the trick)


def draw(*shape: int) -> Array:
    """Seeded float32 numbers."""
    return np.random.default_rng(0).standard_normal(shape, np.float32)


def both_ways(pair: Pair, *args: Any, **options: Any) -> Work:
    """Forward and backward."""
    y, _ = pair.forward(*args, **options)
    dy = tree_map(np.ones_like, y)

    def work() -> Any:
        _, cache = pair.forward(*args, **options)
        return pair.backward(dy, cache)

    return work


def all_inputs() -> tuple[Work, Work]:
    x, W = draw(16, 64, 256), draw(256, 2048)
    return lambda: [step @ W for step in x], lambda: x.reshape(-1, 256) @ W


def gates_by_exp() -> tuple[Work, Work]:
    gates = draw(4, 64, 512)
    out = np.empty_like(gates)

    def plainly() -> None:
        for k in (0, 1, 3):
            out[k] = logistic(gates[k])
        out[2] = np.tanh(gates[2])

    def with_trick() -> None:
        np.copyto(out, gates)
        sigmoid_of_negated(out[:2])
        np.tanh(out[2], out=out[2])
        sigmoid_of_negated(out[3])

    return plainly, with_trick


def kept_memory() -> tuple[Work, Work]:
    x = draw(64, 32, 32, 32)
    kept = [np.empty_like(x) for _ in range(4)]

    def steps(a: Array, b: Array, c: Array, d: Array) -> None:
        np.add(x, 1, out=a)
        np.multiply(a, 2, out=b)
        np.subtract(b, a, out=c)
        np.maximum(c, b, out=d)

    return lambda: steps(*(np.empty_like(x) for _ in range(4))), lambda: steps(*kept)


def long_rows() -> tuple[Work, Work]:
    x, b = draw(147456, 8), draw(8)
    return lambda: np.add(x, b, out=x), lambda: add_bias(x, b)


def sums_as_product() -> tuple[Work, Work]:
    x = draw(65536, 32)
    return lambda: x.sum(axis=0), lambda: column_sums(x)


def in_the_cache() -> tuple[Work, Work]:
    x = draw(2**21)
    y = np.empty_like(x)

    def sweep(part: slice) -> None:
        out = y[part]
        np.subtract(x[part], 1, out=out)
        for factor in (2, 3, 4):
            out *= factor
        np.maximum(out, 0, out=out)

    def in_blocks() -> None:
        for k in range(0, len(x), 2**16):
            sweep(slice(k, k + 2**16))

    return lambda: sweep(slice(None)), in_blocks


def conv(N: int, H: int, C: int, M: int, size: int = 3) -> tuple[Array, ConvParams]:
    return draw(N, H, H, C), ConvParams(draw(size, size, C, M), draw(M))


def fewer_products() -> tuple[Work, Work]:
    args = conv(16, 56, 64, 64)
    return tuple(both_ways(fast.conv2d, *args, pad=1, way=way) for way in ("windows", "winograd"))  # type: ignore[return-value]


def few_kept() -> tuple[Work, Work]:
    work, usual = both_ways(fast.conv2d, *conv(16, 16, 32, 64), pad=1, way="windows"), columns.KEEP

    def plainly() -> None:
        columns.KEEP = 0
        work()
        columns.KEEP = usual

    return plainly, work


def as_planes() -> tuple[Work, Work]:
    args, usual = conv(128, 28, 1, 16, size=5), columns.KEEP
    work = both_ways(fast.conv2d, *args, pad=2, need_dx=False, way="windows")

    def plainly() -> None:
        columns.KEEP = 0
        work()
        columns.KEEP = usual

    return plainly, both_ways(fast.conv2d, *args, pad=2, need_dx=False, way="planes")


def conv_and_pool() -> tuple[Work, Work]:
    (x, p), pooled = conv(64, 48, 3, 8), fast.conv_pool(fast.conv2d, fast.max_pool2d)

    def plainly() -> None:
        y, c = fast.conv2d.forward(x, p, pad=1, need_dx=False)
        z, pool = fast.max_pool2d.forward(y, size=2)
        fast.conv2d.backward(fast.max_pool2d.backward(z, pool)[0], c)

    return plainly, both_ways(pooled, x, p, pad=1, need_dx=False)


def multiplied_once() -> tuple[Work, Work]:
    rng, h = np.random.default_rng(0), np.zeros((64, 160), np.float32)
    p = init.lstm_params(rng, 32 + 256, 160, np.float32)
    args, dh = (draw(64, 11, 32), draw(64, 256), LSTMState(h, h), p), draw(64, 11, 160)

    no_dc: Any = None

    def work(pair: Pair) -> Work:
        def run() -> Any:
            _, cache = pair.forward(*args)
            return pair.backward(LSTMState(dh, no_dc), cache)

        return run

    return work(beside(fast.unroll, F.lstm_step)), work(fast.beside(fast.unroll, F.lstm_step))


def rows_that_count() -> tuple[Work, Work]:
    targets = np.random.default_rng(0).integers(0, 3000, (80, 20))
    args = draw(80, 20, 3000), targets, np.arange(20) < np.random.default_rng(1).integers(10, 21, (80, 1))
    return both_ways(F.cross_entropy, *args), both_ways(fast.cross_entropy, *args)


def no_add_at() -> tuple[Work, Work]:
    ids, table, dx = np.random.default_rng(0).integers(0, 3000, 1600), draw(3000, 128), draw(1600, 128)
    _, cache = fast.embedding.forward(ids, table)

    def plainly() -> Array:
        grad = np.zeros_like(table)
        np.add.at(grad, ids, dx)
        return grad

    return plainly, lambda: fast.embedding.backward(dx, cache)


def one_flat_array() -> tuple[Work, Work]:
    _, params, _ = fresh("flickr8k", exact=True)
    grads = tree_map(np.ones_like, params)

    def work(update: Callable[..., Any]) -> Work:
        state = [params, optim.adam_init(params)]

        def run() -> None:
            state[:] = update(state[0], grads, state[1], lr=1e-3)

        return run

    return work(optim.adam_update), work(fast_optim.adam_update)


TRICKS = (
    Trick("one product for the inputs of all steps", 1.3, "64 rows reach 60 GFLOP/s, 1,024 reach 80", all_inputs),
    Trick("gates in place, sigmoids by exp instead of tanh", 1.5, "exp is twice as fast; the minus is in the weights", gates_by_exp),
    Trick("memory kept from call to call", 2.0, "2,048 page faults of 0.3 us for each 0.6 ms of work", kept_memory),
    Trick("short rows seen as long ones", 6.0, "147,456 loops of 10 ns become 4,608", long_rows),
    Trick("sums of columns as a product", 3.0, "a loop of 32 for each row against the BLAS", sums_as_product),
    Trick("five operations while a block is in the cache", 1.5, "8 MB come from memory once, not five times", in_the_cache),
    Trick("Winograd's convolution, 64 to 64 channels", 1.5, "16 products for 36, less the sums around them", fewer_products),
    Trick("few columns kept, one large product", 1.2, "columns are made once, not twice", few_kept),
    Trick("planes for a picture of one channel", 3.0, "copies of 32 x 32 values instead of 5", as_planes),
    Trick("convolution and pooling in one sweep", 1.5, "four contiguous maxima; y never leaves the cache", conv_and_pool),
    Trick("the picture beside each word multiplied once", 1.5, "256 of 288 inputs once, not 11 times", multiplied_once),
    Trick("loss over the rows that count, exp once", 2.0, "a quarter of the rows is padding; one exp for two", rows_that_count),
    Trick("embedding gradient without np.add.at", 5.0, "a sum per word instead of an indexed loop", no_add_at),
    Trick("Adam over one flat array, in blocks", 1.5, "12 passes in the cache, no call for each small array", one_flat_array),
)  # fmt: skip


class Trying:
    """What a worker of this benchmark does when it is asked."""

    def compare(self, k: int) -> list[tuple[float, float]]:
        """Seconds (plainly, with the trick) of each round."""
        plainly, with_trick = TRICKS[k].set_up()
        for work in (plainly, with_trick) * 2:
            work()
        return [(timed(plainly), timed(with_trick)) for _ in range(ROUNDS)]


def measure(threads: int) -> list[dict[str, Any]]:
    """One row for each trick."""
    rows, worker = [], Worker("fast", threads, "benchmarks.tricks")
    try:
        for k, trick in enumerate(TRICKS):
            rounds = worker.ask("compare", k=k)
            before, after = (1e3 * statistics.median(times) for times in zip(*rounds))
            gain = statistics.median(a / b for a, b in rounds)
            rows.append({
                "trick": trick.what, "before_ms": before, "after_ms": after, "gain": gain, "predicted": trick.predicted,
                "because": trick.because,
            })  # fmt: skip
    finally:
        worker.close()
    return rows


def show(rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("trick", "ms", "with it", "gain", "predicted", "because", box=None)
    for column in table.columns[1:5]:
        column.justify = "right"
    for row in rows:
        table.add_row(
            row["trick"], f"{row['before_ms']:.3g}", f"{row['after_ms']:.3g}", f"{row['gain']:.1f}",
            f"{row['predicted']:.1f}", row["because"],
        )  # fmt: skip
    Console(width=None if sys.stdout.isatty() else 170).print(table)


def main(argv: list[str] | None = None) -> int:
    parser = Parser("tricks", __doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON list instead of the table")
    parser.add_argument("--threads", type=int, default=1, help="threads of the BLAS (default 1)")
    args = parser.parse_args(argv)
    if args.threads < 1:
        print(f"tricks: --threads is {args.threads}; expected at least 1", file=sys.stderr)
        return 2
    try:
        rows = measure(args.threads)
    except WorkerError as error:
        print(f"tricks: {error}", file=sys.stderr)
        return 2
    if args.json:
        print(json.dumps(rows, indent=1))
    else:
        show(rows)
    return 0


if __name__ == "__main__":
    if sys.argv[1:] == ["fast"]:
        serve("fast", lambda side: Trying())
    else:
        sys.exit(main())
