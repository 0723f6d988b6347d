"""Mistakes in reading the output of a CTC network: the best path, beam search, lexicon, language model; error rates."""

from __future__ import annotations

from benchmarks.mutants.mutant import mutants

SAID = "said = starts & (best != blank) & inside"
STAYS = "_join(grown, prefix, _Ways(total + silent, again, ways.extra, ways.node))"
AGAIN = "again = ways.label + float(row[last]) if prefix else NEVER"
ARRIVES = "arrives = (ways.blank if label == last else total) + p"
JOIN = "more = more._replace(blank=_add(ways.blank, more.blank), label=_add(ways.label, more.label))"
RANKED = "ranked = sorted((-ways.total - ways.extra, prefix) for prefix, ways in grown.items())"
WHOLE = "if lexicon is not None and t == len(logp) - 1:"
SCORE = "Reading(list(p), ways.total, ways.total + extend(p, ways, None))"
EXTRA = "return ways.extra + (weight * said if said else 0.0) + (bonus if label is not None else 0.0)"
SPACE = "return self.root if None in node else None"
ROW = "row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (unit != other)))"
RATE = "return sum(edit_distance(r, h) for r, h in zip(references, hypotheses)) / units"

DECODING = mutants(
    "ctc decoding",
    "decode_ctc.py",
    {
        "best path: blanks dropped, repeats kept": {SAID: "said = (best != blank) & inside"},
        "best path: repeats merged over blanks": {
            SAID: f"{SAID}\n    rows = [path[here] for path, here in zip(best, said)]\n"
            "    return [[int(k) for i, k in enumerate(r) if i == 0 or k != r[i - 1]] for r in rows]"
        },
        "best path: the padding is read": {SAID: "said = starts & (best != blank)"},
        "best path: blank is always class 0": {SAID: "said = starts & (best != 0) & inside"},
        "beam: a label again always makes the reading longer": {
            AGAIN: "again = NEVER",
            ARRIVES: "arrives = total + p",
        },
        "beam: a label again never makes the reading longer": {
            ARRIVES: "arrives = (NEVER if label == last else total) + p"
        },
        "beam: a label again after a blank is the same label": {
            AGAIN: "again = ways.total + float(row[last]) if prefix else NEVER",
        },
        "beam: the better path instead of the sum": {JOIN: JOIN.replace("_add(", "max(")},
        "beam: the last path that arrives counts": {JOIN: "pass"},
        "beam: a blank is no way to stay": {STAYS: STAYS.replace("total + silent", "ways.blank + silent")},
        "beam: ranked without language model and bonus": {RANKED: RANKED.replace(" - ways.extra", "")},
        "beam: the worst stay": {RANKED: RANKED.replace("-ways.total - ways.extra", "ways.total + ways.extra")},
        "beam: the end of the line is not asked for": {SCORE: "Reading(list(p), ways.total, ways.total + ways.extra)"},
        "beam: score without the network": {SCORE: SCORE.replace("ways.total + extend", "extend")},
        "beam: the language model counts fully whatever its weight": {EXTRA: EXTRA.replace("weight * said", "said")},
        "beam: the end of the line earns the bonus": {
            EXTRA: EXTRA.replace("(bonus if label is not None else 0.0)", "bonus")
        },
        "beam: the language model is asked about the label before": {
            "ngram(prefix, label)": "ngram(prefix[:-1], label)"
        },
        "lexicon: beginnings of words are words": {WHOLE: "if lexicon is not None and t < 0:"},
        "lexicon: beginnings compete with words at the end": {
            WHOLE: "if False:",
            "readings = [Reading": "beams = {p: w for p, w in beams.items() if lexicon is None or None in w.node}\n"
            "    readings = [Reading",
        },
        "lexicon: a space anywhere": {SPACE: "return self.root"},
        "lexicon: no second word": {SPACE: "return None"},
    },
)

RATES = mutants(
    "error rate",
    "error_rate.py",
    {
        "a replacement costs two": {ROW: ROW.replace("(unit != other)", "2 * (unit != other)")},
        "nothing is ever replaced for free": {ROW: ROW.replace("(unit != other)", "1")},
        "an insertion is free": {ROW: ROW.replace("row[j - 1] + 1", "row[j - 1]")},
        "the mean over lines": {
            RATE: "rates = [edit_distance(r, h) / max(len(r), 1) for r, h in zip(references, hypotheses)]\n"
            "    return sum(rates) / len(rates)"
        },
        "divided by the hypotheses": {RATE: RATE.replace("/ units", "/ max(sum(len(h) for h in hypotheses), 1)")},
        "words are characters": {
            "[line.split() for line in references], [line.split() for line in hypotheses]": "references, hypotheses"
        },
    },
)

MUTANTS = DECODING + RATES
