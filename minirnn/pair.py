"""`Pair`: a differentiable function as two functions written by hand; and `chain`, which composes pairs.

The contract that every pair keeps:

    f_forward(x, …, state, params, *, options) -> (out, cache)
    f_backward(dout, cache) -> one gradient per positional argument, in a tuple

1. The gradients stand in the order of the positional arguments and have their structure; `None` for integers, masks
   and running statistics, which are not differentiated.
2. `dout` has the structure of `out`; where a pair says so, a `None` inside it stands for a gradient of zero.
3. A cache is private to its pair. Nothing writes into inputs, cache or `dout`.
4. What every time step reads is shared: its gradients add up over time.
5. The dtype follows the inputs: float32 trains, float64 checks.
6. Bad shapes and dtypes get a `ValueError` that says what came and what was expected.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Tree = Any  # None, an array, or a (named) tuple of trees


@dataclass(frozen=True)
class Pair:
    """A forward function and the backward function that undoes it."""

    forward: Callable[..., tuple[Any, Any]]
    backward: Callable[[Any, Any], tuple[Any, ...]]
    name: str = ""

    def bind(self, **options: Any) -> Pair:
        """The same pair with keyword-only options of its forward function fixed: `conv2d.bind(stride=2)`."""
        return Pair(partial(self.forward, **options), self.backward, self.name)

    def __repr__(self) -> str:
        return f"Pair({self.name or getattr(self.forward, '__name__', self.forward)})"


def chain(*pairs: Pair) -> Pair:
    """Compose pairs: the output of each is the first argument of the next.

        forward(x, params) -> (out, cache)        params: one entry per pair, None where a pair takes only x
        backward(dout, cache) -> (dx, dparams)

    Example: `chain(affine, relu, affine).forward(x, (p1, None, p2))`.
    """

    def forward(x: Any, params: tuple[Any, ...]) -> tuple[Any, Any]:
        if len(params) != len(pairs):
            raise ValueError(f"params has {len(params)} entries but the chain has {len(pairs)} pairs")
        caches = []
        for pair, p in zip(pairs, params):
            x, cache = pair.forward(x) if p is None else pair.forward(x, p)
            caches.append(cache)
        return x, tuple(caches)

    def backward(dout: Any, cache: Any) -> tuple[Any, ...]:
        dparams: list[Any] = []
        for pair, c in zip(reversed(pairs), reversed(cache)):
            dout, *dp = pair.backward(dout, c)
            dparams.append(dp[0] if dp else None)
        return dout, tuple(reversed(dparams))

    return Pair(forward, backward, "chain")


def require_float(name: str, x: Array, ndim: int | None = None, axes: str = "") -> None:
    """Raise ValueError unless `x` is a float array (with `ndim` axes, named `axes` in the message)."""
    if not isinstance(x, np.ndarray):
        raise ValueError(f"{name} is a {type(x).__name__}; expected a NumPy array of floats")
    if x.dtype.kind != "f":
        raise ValueError(f"{name} has dtype {x.dtype}; expected floats: convert with minirnn.to_float({name})")
    if ndim is not None and x.ndim != ndim:
        raise ValueError(f"{name} has {x.ndim} axes, shape {x.shape}; expected {ndim} axes {axes}")


def require_shape(name: str, x: Array, shape: tuple[int, ...], why: str = "") -> None:
    """Raise ValueError unless `x` is a float array of exactly `shape`."""
    require_float(name, x)
    if x.shape != shape:
        raise ValueError(f"{name} has shape {x.shape}; expected {shape}{': ' + why if why else ''}")
