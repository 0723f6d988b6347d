"""The cases again for the fast twins, and what only these have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from minirnn import fast
from minirnn import functional as F
from minirnn.cases.case import Case
from minirnn.cases.draw import conv, normal
from minirnn.pair import Pair

TWINS: tuple[tuple[Pair, Pair], ...] = (
    (F.affine, fast.affine),
    (F.conv2d, fast.conv2d),
    (F.conv_transpose2d, fast.conv_transpose2d),
    (F.max_pool2d, fast.max_pool2d),
    (F.batch_norm, fast.batch_norm),
    (F.embedding, fast.embedding),
    (F.cross_entropy, fast.cross_entropy),
)
BY_NAME = {
    "unroll(rnn_step)": fast.rnn,
    "unroll(lstm_step)": fast.lstm,
    "unroll(gru_step)": fast.gru,
    "bidirectional(lstm_step)": fast.bidirectional(F.lstm_step),
    "beside(rnn_step)": fast.beside(fast.unroll, F.rnn_step),
    "beside(lstm_step)": fast.beside(fast.unroll, F.lstm_step),
    "beside(gru_step)": fast.beside(fast.unroll, F.gru_step),
    "conv_pool(conv2d, max_pool2d)": fast.conv_pool(fast.conv2d, fast.max_pool2d),
    "norm_relu(batch_norm, relu)": fast.rectified,
}


def twin_of(pair: Pair) -> Pair | None:
    """The fast pair that does the same, if there is one."""
    return next((twin for readable, twin in TWINS if readable is pair), BY_NAME.get(pair.name))


def _ways() -> Iterator[Case]:
    """Every way to convolve, on pictures of odd and even size, wider borders than the kernel has, and none."""
    for way in ("winograd", "planes", "windows"):
        for name, size, pad in (
            ("", (4, 5), 1),
            ("-valid", (5, 3), 0),
            ("-sides", (2, 4), ((2, 0), (1, 2))),
            ("-border", (2, 3), ((3, 1), (0, 4))),
        ):

            def make(rng, N, T, size=size):  # type: ignore[no-untyped-def]
                return normal(rng, N, *size, 2), conv(rng, 3, 3)

            yield Case(f"fast conv2d-{way}{name}", fast.conv2d, make, {"pad": pad, "way": way})


def twins_of(cases: tuple[Case, ...]) -> tuple[Case, ...]:
    """Every case whose pair has a fast twin, with the twin in its place."""
    found = ((case, twin_of(case.pair)) for case in cases)
    same = tuple(replace(case, name=f"fast {case.name}", pair=twin) for case, twin in found if twin is not None)
    return (*same, *_ways())
