"""What a gradient check found, and how it says so."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from minirnn.pair import Array


@dataclass(frozen=True)
class Row:
    """The check of one array of an argument."""

    name: str  # "x", "params.Wx"
    ok: bool
    error: float  # worst relative error
    index: tuple[int, ...] | None  # where it is; None when a random direction was compared
    analytic: float  # what backward says there
    numeric: float  # what differences of forward say there
    per_step: tuple[float, ...] = ()  # worst relative error at every time step, for arrays with a time axis
    hint: str = ""  # what stands out in a wrong gradient


@dataclass(frozen=True)
class Report:
    """The check of one pair. `print(report)` says what is wrong and where."""

    name: str
    rtol: float
    rows: tuple[Row, ...]
    failures: tuple[str, ...]  # broken promises of the contract, one sentence each

    @property
    def ok(self) -> bool:
        """Every gradient within rtol and no promise broken."""
        return not self.failures and all(row.ok for row in self.rows)

    @property
    def worst(self) -> float:
        """The largest relative error of all arrays; 0 when nothing was compared."""
        return max((row.error for row in self.rows), default=0.0)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, which knows no infinity: None stands for what is not finite."""
        rows = [{key: _plain(value) for key, value in asdict(row).items()} for row in self.rows]
        return {
            "name": self.name,
            "ok": self.ok,
            "worst": _plain(self.worst),
            "rtol": self.rtol,
            "rows": rows,
            "failures": list(self.failures),
        }

    def __str__(self) -> str:
        wrong = [row for row in self.rows if not row.ok]
        if wrong:
            verdict = f"{len(wrong)} of {len(self.rows)} gradients wrong"
        else:
            verdict = "gradients right, but the contract is broken" if self.failures else "ok"
        lines = [f"{self.name}: {verdict} (worst relative error {self.worst:.1e}, allowed {self.rtol:.0e})"]
        width = max((len(row.name) for row in self.rows), default=0)
        for row in self.rows:
            lines.append(f"  {row.name:{width}}  {row.error:.1e}  {'ok' if row.ok else _what_is_wrong(row)}")
            if row.hint:
                lines.append(f"  {'':{width}}  {row.hint}")
            if row.per_step and not row.ok:
                steps = "  ".join(f"t={t} {error:.1e}" for t, error in enumerate(row.per_step))
                lines.append(f"  {'':{width}}  error per time step: {steps}")
                lines.append(f"  {'':{width}}  {which_steps(row.per_step, self.rtol)}")
        lines.extend(f"  {failure}" for failure in self.failures)
        return "\n".join(lines)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _what_is_wrong(row: Row) -> str:
    if row.index is None:
        where = "along a random direction"
    else:
        where = f"at {row.name}[{', '.join(map(str, row.index))}]" if row.index else "there"
    return f"WRONG {where}: backward says {row.analytic + 0:.7g}, differences say {row.numeric + 0:.7g}"  # no "-0"


def which_steps(per_step: tuple[float, ...], rtol: float) -> str:
    """In words, at which time steps a gradient is right: "right at t = 3, wrong before"."""
    last = len(per_step) - 1
    wrong = [t for t, error in enumerate(per_step) if not error <= rtol]
    if not wrong:
        return "right at every time step"
    if len(wrong) == len(per_step):
        return "wrong at every time step"
    if wrong == list(range(len(wrong))):
        right = f"t = {last}" if len(wrong) == last else f"t = {len(wrong)} to {last}"
        return f"right at {right}, wrong before"
    if wrong == list(range(wrong[0], last + 1)):
        right = "t = 0" if wrong[0] == 1 else f"t = 0 to {wrong[0] - 1}"
        return f"right at {right}, wrong after"
    return f"wrong at t = {', '.join(map(str, wrong))}; right elsewhere"


def hint_of(analytic: Array, numeric: Array, others: dict[str, Array]) -> str:
    """What stands out in a wrong gradient: a constant factor, a transpose, another argument's gradient; else "".

    Args:
        analytic, numeric: arrays of one shape, what backward says and what differences say.
        others: the numeric gradients of the other arrays, by name.
    """
    if not np.isfinite(numeric).all():
        return "the forward function itself gives NaN or infinity near this input"
    if not np.isfinite(analytic).all():
        return f"backward gives NaN or infinity at {int((~np.isfinite(analytic)).sum())} of {analytic.size} places"
    if not analytic.any():
        return "backward says 0 everywhere"
    large = np.abs(numeric) > 1e-3 * np.abs(numeric).max()
    if large.sum() > 1:
        factor = float(np.median(analytic[large] / numeric[large]))
        if _close(analytic, factor * numeric):
            return f"backward says {factor:.4g} times the right value everywhere"
    if analytic.ndim == 2 and analytic.shape[0] == analytic.shape[1] and _close(analytic, numeric.T):
        return "it is the transpose of the right value"
    for other, gradient in others.items():
        if gradient.shape == analytic.shape and _close(analytic, gradient):
            return f"it is the right gradient of {other}: are two gradients swapped?"
    if analytic.size > 1 and _close(np.abs(analytic), np.abs(numeric)):
        return "the sizes are right, some signs are not"
    return ""


def _close(a: Array, b: Array) -> bool:
    return bool(np.allclose(a, b, rtol=1e-5, atol=1e-6 * float(np.abs(b).max(initial=0))))
