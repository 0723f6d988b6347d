"""Mistakes around the offline reader: how lines are framed and drawn, the order of what is read, the n-gram."""

from __future__ import annotations

from benchmarks.mutants.mutant import mutants

LAYER = "offline reader"
PAPER = "shade = np.clip((paper - grey if down >= up else grey - paper) / reach, 0, 1)"
LEAST = "columns = len(text) + sum(a == b for a, b in zip(text, text[1:]))"
CROSSED = "return int((dark[:, 1:] & ~dark[:, :-1]).sum(axis=1).max())"
HISTORY = "context = (None, *before)[-self.order :] if self.order else ()"
BACK_OFF = "p = (self.counts[h][label] + kinds * p) / (total + kinds)"

MUTANTS = (
    *mutants(
        LAYER,
        "data/line_pictures.py",
        {
            "bright ink on dark paper is not turned round": {PAPER: "shade = np.clip((paper - grey) / reach, 0, 1)"},
            "dark pixels are counted, not strokes": {CROSSED: "return int(dark.sum(axis=1).max())"},
        },
    ),
    *mutants(
        LAYER,
        "data/lines.py",
        {
            "two equal letters need no column between them": {LEAST: "columns = len(text)"},
            "a line is judged too narrow where it just fits": {"int(STRIDE * (columns - 1)) + 1": "int(STRIDE * columns)"},
            "a line that ends where the last column begins counts as wide enough": {
                "int(STRIDE * (columns - 1)) + 1": "int(STRIDE * (columns - 1))"
            },
            "a jittered line may be too narrow for its text": {
                "b if b.shape[1] >= least_width(t) else a for a, b, t": "b for a, b, t"
            },
            "test strings change from call to call": {
                "rng = np.random.default_rng([seed, 1, k])": "rng = np.random.default_rng()"
            },
        },
    ),
    *mutants(
        LAYER,
        "data/word_lines.py",
        {
            "words are drawn upside down": {"y.max() - y\n": "y - y.min()\n"},
            "slant is forgotten": {"x = points[:, 0] + look.slant * points[:, 1]": "x = points[:, 0]"},
            "a stroke's last point is dropped": {
                "kept[starts] = kept[ends - 1] = True": "kept[starts] = True\n    kept[ends - 1] = ends - 1 == starts"
            },
        },
    ),
    *mutants(
        LAYER,
        "data/ngrams.py",
        {
            "the n-gram looks back one character less": {
                HISTORY: HISTORY.replace("[-self.order :]", "[-self.order + 1 :]")
            },
            "the n-gram does not back off": {BACK_OFF: "p = (self.counts[h][label] + 1e-9) / total"},
            "the n-gram never saw a word end": {"*map(int, word), None]": "*map(int, word)]"},
        },
    ),
    *mutants(
        LAYER,
        "tasks/reader.py",
        {
            "lines come back in the order of their widths": {"out[int(n)] = row[:columns]": "out[k] = row[:columns]"},
            "what stands behind a line's end is read": {"out[int(n)] = row[:columns]": "out[int(n)] = row"},
        },
    ),
    *mutants(
        LAYER,
        "tasks/reader_baseline.py",
        {
            "a neighbour's ink is in the tile": {
                "left + wide, 0] = image[:, begin : begin + wide]": "left + wide + 2, 0] = image[:, begin : begin + wide + 2]"
            }
        },
    ),
)  # fmt: skip
