"""The known mistakes of lesson 11: beam search and BLEU."""

from __future__ import annotations

from minirnn.course.exercise import Mistake

_BODY = """    for _ in range(max_length):
        pool = [(h, s) for h, s in beams if h.finished]
        for h, s in [(h, s) for h, s in beams if not h.finished]:
            logp, after = step(np.array([h.words[-1] if h.words else start]), s)
            for word in (w for w in range(logp.shape[1]) if w not in never):
                said = h.words if word == end else [*h.words, word]
                pool.append((Hypothesis(said, h.score + float(logp[0, word]), word == end, []), after))
        beams = sorted(pool, key=rank, reverse=True)[:beam]
        if all(h.finished for h, _ in beams) or (length_penalty == 0 and beams[0][0].finished):
            break
    return [h for h, _ in beams]"""


def _beside(places: str, stop: str, last: str) -> tuple[tuple[str, str], ...]:
    """Beam search as many write it: finished sentences leave the beam and are collected beside it.

    Args:
        places: "cut": `beam` children are kept, finished or not; "full": `beam` unfinished ones; "shrink": every finished
            sentence takes a place away for good.
        stop: when the search ends before max_length.
        last: what is ranked at the end.
    """
    width = "beam - len(done)" if places == "shrink" else "beam"
    live = (
        "[c for c in pool if not c[0].finished][:beam]"
        if places == "full"
        else "[c for c in kept if not c[0].finished]"
    )
    kept = "pool[:pool.index(live[-1]) + 1] if live else pool" if places == "full" else "kept"
    lines = (
        "    done, live = [], beams",
        "    for _ in range(max_length):",
        "        pool = []",
        "        for h, s in live:",
        "            logp, after = step(np.array([h.words[-1] if h.words else start]), s)",
        "            for word in (w for w in range(logp.shape[1]) if w not in never):",
        "                said = h.words if word == end else [*h.words, word]",
        "                pool.append((Hypothesis(said, h.score + float(logp[0, word]), word == end, []), after))",
        "        pool = sorted(pool, key=lambda c: c[0].score, reverse=True)",
        f"        kept = pool[:{width}]",
        f"        live = {live}",
        f"        done = done + [c for c in ({kept}) if c[0].finished]",
        f"        if {stop}:",
        "            break",
        f"    return [h for h, _ in sorted({last}, key=rank, reverse=True)][:beam]",
    )
    return ((_BODY, "\n".join(lines)),)


_ONE = (
    "only one sentence is followed, or each has only its best continuation, or copies of one fill the beam; it starts with "
    "one, and the best `beam` of all continuations stay"
)

_NO_RANK = (
    "the rank is not score / length ** length_penalty: the penalty is not used, or multiplied or taken off where it should "
    "divide"
)

_READS_END = (("h.words[-1] if h.words else start", "end if h.finished else h.words[-1] if h.words else start"),)

_STICKS = ("word == end, [])", "word == end or h.finished, [])")

_BESIDE = (
    "finished sentences leave the beam and are collected beside it, so that they take up no place in it: another search than "
    "is asked for, where they stay in the beam and compete by rank"
)

_SEARCHES = (
    *((p, s, e) for p in ("cut", "full") for s in ("not live", "len(done) >= beam") for e in ("done or live", "done + live")),
    ("shrink", "not live", "done or live"),
)  # fmt: skip

_PLAIN = "if all(h.finished for h, _ in beams) or (length_penalty == 0 and beams[0][0].finished):"


BEAM: tuple[Mistake, ...] = (
    Mistake("wrong-state", "a sentence is continued with the state of another one: each child goes on from its own parent's state",
            (("word == end, []), after))", "word == end, []), beams[0][1] if len(beams) > 1 else after))"),)),
    Mistake("old-state", "the state before the step is kept: a child goes on from the state that step returned",
            (("word == end, []), after))", "word == end, []), s))"),)),
    Mistake("extends-finished", "finished sentences are extended again; they stay as they are",
            (("pool = [(h, s) for h, s in beams if h.finished]", "pool = []"), ("in [(h, s) for h, s in beams if not h.finished]:", "in beams:"))),
    Mistake("drops-finished", "finished sentences are dropped from the beam; they stay and compete",
            (("pool = [(h, s) for h, s in beams if h.finished]", "pool = [(h, s) for h, s in beams if h.finished and not beams]"),
             ("        beams = sorted(", "        beams = sorted(pool or beams, key=rank, reverse=True)[:beam] if not pool else sorted("))),
    Mistake("last-logp", "the score is the last word's log-probability alone; it is the sum", (("h.score + float(logp[0, word])", "float(logp[0, word])"),)),
    Mistake("ascending", "the worst sentences are kept: sort from the largest rank down", (("reverse=True", "reverse=False"),)),
    Mistake("returns-worst", "the best sentence stands last; it comes first", (("return [h for h, _ in beams]", "return [h for h, _ in beams][::-1]"),)),
    Mistake("greedy", _ONE, (("reverse=True)[:beam]", "reverse=True)[:1]"),)),
    Mistake("rank-not-normalised", _NO_RANK, (("h.score / (len(h.words) + h.finished) ** length_penalty", "h.score"),)),
    Mistake("always-normalised", "the rank always divides by the length; it divides by length ** length_penalty",
            (("** length_penalty", "** (1 if h.words else 0)"),)),
    Mistake("length-without-end", "the length leaves END out; it counts as one", (("(len(h.words) + h.finished) ** length_penalty", "max(1, len(h.words)) ** length_penalty"),)),
    Mistake("score-normalised", "the score that is returned is divided by the length; the plain sum is asked for",
            (("return [h for h, _ in beams]", "return [h._replace(score=rank((h, None))) for h, _ in beams]"),)),
    Mistake("never-allowed", "words of `never` are said; they must not be chosen", (("range(logp.shape[1]) if w not in never", "range(logp.shape[1])"),)),
    Mistake("end-in-words", "END stands among the words; it is left out", (("h.words if word == end else [*h.words, word]", "[*h.words, word]"),)),
    Mistake("end-not-scored", "END's log-probability is missing from the score; it counts",
            (("h.score + float(logp[0, word])", "h.score + (0.0 if word == end else float(logp[0, word]))"),)),
    Mistake("stops-at-first-finished", "the search stops as soon as any sentence is finished; with no penalty it may stop only when the *best* one is",
            ((_PLAIN, "if any(h.finished for h, _ in beams):"),)),
    Mistake("stops-at-best-finished", "with a length penalty the search must go on although the best one is finished: a longer one may still rise",
            ((_PLAIN, "if all(h.finished for h, _ in beams) or beams[0][0].finished:"),)),
    Mistake("start-again", "every step reads START; it reads the sentence's last word", (("h.words[-1] if h.words else start", "start"),)),
    Mistake("fixed-start", "START is always word 1; use `start`", (("h.words[-1] if h.words else start", "h.words[-1] if h.words else 1"),)),
    Mistake("fixed-end", "END is always word 2; use `end`", (("if word == end else", "if word == 2 else"), ("word == end, [])", "word == 2, [])"))),
    Mistake("probabilities", "probabilities are added up; the score is the sum of *log*-probabilities", (("float(logp[0, word])", "float(np.exp(logp[0, word]))"),)),
    Mistake("one-too-few", "the search ends one step too early: sentences of max_length are allowed", (("range(max_length)", "range(max_length - 1)"),)),
    Mistake("one-too-many", "there is one step too many: at most max_length", (("range(max_length)", "range(max_length + 1)"),)),
    Mistake("finished-first", "a finished sentence is preferred to a better one under way; all compete by rank",
            (("return [h for h, _ in beams]", "return sorted([h for h, _ in beams], key=lambda h: not h.finished)"),)),
    *(Mistake(f"extends-finished-{k}", "finished sentences are extended again; they stay as they are",
              (("pool = [(h, s) for h, s in beams if h.finished]", "pool = []"), ("in [(h, s) for h, s in beams if not h.finished]:", "in beams:"), *more))
      for k, more in enumerate((_READS_END, (*_READS_END, _STICKS), (_STICKS,)), 2)),
    Mistake("greedy-2", _ONE,
            (("(w for w in range(logp.shape[1]) if w not in never)",
              "sorted((w for w in range(logp.shape[1]) if w not in never), key=lambda w: -logp[0, w])[: beam if len(beams) == 1 else 1]"),)),
    Mistake("copies", _ONE, (("    beams = [(Hypothesis([], 0.0, False, []), state)]", "    beams = [(Hypothesis([], 0.0, False, []), state)] * beam"),)),
    Mistake("rank-multiplied", _NO_RANK, (("h.score / (len", "h.score * (len"),)),
    Mistake("rank-times", "the length is multiplied by the penalty; it is raised to its power", (("/ (len(h.words) + h.finished) ** length_penalty", "/ ((len(h.words) + h.finished) * length_penalty if length_penalty else 1)"),)),
    Mistake("rank-minus", _NO_RANK, (("h.score / (len(h.words) + h.finished) ** length_penalty", "h.score - length_penalty * (len(h.words) + h.finished)"),)),
    Mistake("rank-plus", "the penalty times the length is added to the score; the score is divided by length ** length_penalty", (("h.score / (len(h.words) + h.finished) ** length_penalty", "h.score + length_penalty * (len(h.words) + h.finished)"),)),
    Mistake("wu", "the penalty is ((5 + length) / 6) ** length_penalty, as Wu et al. 2016 have it; here it is length ** length_penalty",
            (("(len(h.words) + h.finished) ** length_penalty", "((5 + len(h.words) + h.finished) / 6) ** length_penalty"),), convention=True),
    Mistake("end-counted-always", "the length counts END for sentences under way too; it counts for finished ones alone", (("len(h.words) + h.finished", "len(h.words) + 1"),)),
    Mistake("start-counted", "the length counts START; it counts words, and END when finished", (("len(h.words) + h.finished", "len(h.words) + h.finished + 1"),)),
    Mistake("finished-divided-alone", "only finished sentences are divided by their length; those under way compete by rank too", (("** length_penalty", "** (length_penalty if h.finished else 0)"),)),
    Mistake("unfinished-divided-alone", "only sentences under way are divided by their length; finished ones compete by rank too", (("** length_penalty", "** (0 if h.finished else length_penalty)"),)),
    Mistake("penalty-at-the-end", "the rank is used only when all is over; it decides at every step who stays in the beam",
            (("sorted(pool, key=rank, reverse=True)[:beam]", "sorted(pool, key=lambda c: c[0].score, reverse=True)[:beam]"), ("return [h for h, _ in beams]", "return [h for h, _ in sorted(beams, key=rank, reverse=True)]"))),
    Mistake("penalty-at-the-end-2", "the rank is used only when all is over; it decides at every step who stays in the beam",
            (("sorted(pool, key=rank, reverse=True)[:beam]", "sorted(pool, key=lambda c: c[0].score, reverse=True)[:beam]"), ("return [h for h, _ in beams]", "return [h for h, _ in sorted(beams, key=rank, reverse=True)]"),
             (_PLAIN, "if all(h.finished for h, _ in beams) or beams[0][0].finished:"))),
    *(Mistake(f"beside-{k}", _BESIDE, _beside(*how), convention=True)
      for k, how in enumerate(_SEARCHES)),
    *(Mistake(f"stops-at-first-finished-{k}", "the search stops as soon as any sentence is finished; it may stop only when the *best* one is, and with a penalty only when all are",
              _beside(p, "len(done) > 0", "done or live")) for k, p in enumerate(("cut", "full"), 2)),
    Mistake("stops-at-first-finished-4", "the search stops as soon as any sentence is finished; it may stop only when the *best* one is, and with a penalty only when all are",
            ((_PLAIN, "if any(h.finished for h, _ in beams):"), ("return [h for h, _ in beams]", "return [h for h, _ in beams if h.finished] or [h for h, _ in beams]"))),
    Mistake("starts-at-one", "the score of the first, empty sentence is 1; log-probabilities begin at 0", (("beams = [(Hypothesis([], 0.0, False", "beams = [(Hypothesis([], 1.0, False"),)),
    Mistake("scores-divided-on-the-way", "the score itself is divided by the length at every step and goes on so; the score stays the plain sum, the rank alone is divided",
            (("        beams = sorted(pool, key=rank, reverse=True)[:beam]", "        beams = sorted(pool, key=rank, reverse=True)[:beam]\n        beams = [(h._replace(score=rank((h, s))), s) for h, s in beams]"),)),
    Mistake("probabilities-multiplied", "probabilities are multiplied; the score is the sum of *log*-probabilities",
            (("beams = [(Hypothesis([], 0.0, False", "beams = [(Hypothesis([], 1.0, False"), ("h.score + float(logp[0, word])", "h.score * float(np.exp(logp[0, word]))"))),
    Mistake("keeps-beam-per-sentence", "`beam` continuations of every sentence are kept; the best `beam` of all together stay", (("reverse=True)[:beam]", "reverse=True)[: beam * beam]"),)),
    Mistake("one-more-kept", "one sentence more than `beam` is kept", (("reverse=True)[:beam]", "reverse=True)[: beam + 1]"),)),
    Mistake("one-less-kept", "one sentence less than `beam` is kept", (("reverse=True)[:beam]", "reverse=True)[: max(1, beam - 1)]"),)),
    Mistake("all-kept", "no sentence is dropped: the beam is not cut to the best `beam`", (("reverse=True)[:beam]", "reverse=True)[:2000]"),)),
    Mistake("shared-list", "all sentences share one list of words: a child gets a list of its own, [*words, word], since its parent has other children",
            (("                said = h.words if word == end else [*h.words, word]\n", "                said = h.words\n                if word != end:\n                    said.append(word)\n"),)),
    Mistake("unfinished-first", "sentences under way are preferred to better finished ones; all compete by rank", (("return [h for h, _ in beams]", "return sorted([h for h, _ in beams], key=lambda h: h.finished)"),)),
    Mistake("unfinished-first-2", "sentences under way are preferred to better finished ones; all compete by rank",
            ((_PLAIN, "if all(h.finished for h, _ in beams):"), ("return [h for h, _ in beams]", "return sorted([h for h, _ in beams], key=lambda h: h.finished)"))),
)  # fmt: skip

BLEU: tuple[Mistake, ...] = (
    Mistake("no-clipping", "counts are not clipped: an n-gram earns no more than the largest count in one reference",
            (("min(k, max(ngrams(r, n)[w] for r in ref_words))", "(k if any(ngrams(r, n)[w] for r in ref_words) else 0)"),)),
    Mistake("clip-sum", "the clip is the sum of the counts in all references; it is the largest count in one of them",
            (("max(ngrams(r, n)[w] for r in ref_words)", "sum(ngrams(r, n)[w] for r in ref_words)"),)),
    Mistake("first-reference", "only the first reference is used; all of them count", (("[ref.split() for ref in refs]", "[ref.split() for ref in refs[:1]]"),)),
    Mistake("clip-first-reference", "the clip looks at the first reference alone; it is the largest count in any one of them",
            (("max(ngrams(r, n)[w] for r in ref_words)", "ngrams(ref_words[0], n)[w]"),)),
    Mistake("clip-one", "an n-gram counts once however often it stands in a reference", (("min(k, max(ngrams(r, n)[w] for r in ref_words))", "min(k, 1, max(ngrams(r, n)[w] for r in ref_words))"),)),
    Mistake("no-brevity-penalty", "the brevity penalty is missing", (("penalty = 1.0 if ratio >= 1 else math.exp(1 - 1 / ratio)", "penalty = 1.0"),)),
    Mistake("penalty-inverse", "the brevity penalty has its ratio upside down: exp(1 - 1 / ratio) with ratio = said / reference",
            (("math.exp(1 - 1 / ratio)", "math.exp(1 - ratio)"),)),
    Mistake("penalty-always", "the penalty is applied to long captions too, where it is above 1; it is 1 there", (("1.0 if ratio >= 1 else math.exp(1 - 1 / ratio)", "math.exp(1 - 1 / ratio)"),)),
    Mistake("penalty-ratio", "the penalty is the ratio of lengths itself; it is exp(1 - 1 / ratio)", (("math.exp(1 - 1 / ratio)", "ratio"),)),
    Mistake("shortest-reference", "the shortest reference is taken for the length; the *nearest* one is", (("(abs(len(r) - len(words)), len(r))", "(len(r), len(r))"),)),
    Mistake("longest-reference", "the longest reference is taken for the length; the *nearest* one is", (("ref_length += min((abs(len(r) - len(words)), len(r)) for r in ref_words)[1]", "ref_length += max(len(r) for r in ref_words)"),)),
    Mistake("mean-length", "the mean length of the references is taken; the *nearest* one is", (("ref_length += min((abs(len(r) - len(words)), len(r)) for r in ref_words)[1]", "ref_length += sum(len(r) for r in ref_words) / len(ref_words)"),), convention=True),
    Mistake("first-length", "the length of the first reference is taken; the *nearest* one is", (("ref_length += min((abs(len(r) - len(words)), len(r)) for r in ref_words)[1]", "ref_length += len(ref_words[0])"),)),
    Mistake("longer-of-two", "of two references equally near the longer was taken; the shorter is", (("min((abs(len(r) - len(words)), len(r)) for r in ref_words)[1]", "-min((abs(len(r) - len(words)), -len(r)) for r in ref_words)[1]"),)),
    Mistake("arithmetic-mean", "the precisions are averaged; BLEU takes their geometric mean", (("math.prod(p[:n]) ** (1 / n)", "sum(p[:n]) / n"),)),
    Mistake("no-root", "the n-th root is missing: BLEU-n is the geometric mean of the first n precisions", (("math.prod(p[:n]) ** (1 / n)", "math.prod(p[:n])"),)),
    Mistake("fourth-root", "the root is always the fourth; BLEU-n takes the n-th", (("** (1 / n)", "** (1 / 4)"),)),
    Mistake("precision-alone", "BLEU-n is the n-th precision alone; it is the geometric mean of the first n", (("math.prod(p[:n]) ** (1 / n)", "p[n - 1]"),)),
    Mistake("recall", "the counts are divided by the n-grams of the references: that is recall; BLEU divides by those of the hypotheses",
            (("total[n - 1] += sum(counts.values())", "total[n - 1] += sum(ngrams(ref_words[0], n).values())"),)),
    Mistake("distinct-total", "the denominator counts each different n-gram once; it counts all", (("total[n - 1] += sum(counts.values())", "total[n - 1] += len(counts)"),)),
    Mistake("mean-of-pictures", "each picture's score is computed and the scores averaged; BLEU adds up the counts of the whole corpus first",
            (("    return tuple(", "    if len(hypotheses) > 1:\n        return tuple(sum(s) / len(s) for s in zip(*(bleu([r], [h]) for r, h in zip(references, hypotheses))))\n    return tuple("),)),
    Mistake("reversed", "the four numbers stand in the wrong order: BLEU-1 first", (("for n in range(1, MAX_N + 1))\n", "for n in range(MAX_N, 0, -1))\n") ,)),
    Mistake("bleu4-only", "one number is returned; four are asked for, BLEU-1 to BLEU-4", (("return tuple(penalty * math.prod(p[:n]) ** (1 / n) for n in range(1, MAX_N + 1))", "return penalty * math.prod(p) ** 0.25"),)),
    Mistake("letters", "n-grams of letters are counted; captions are split into words", (("words, ref_words = hyp.split(), [ref.split() for ref in refs]", "words, ref_words = list(hyp), [list(ref) for ref in refs]"),)),
    Mistake("no-penalty-first", "BLEU-1 is without the brevity penalty", (("penalty * math.prod(p[:n]) ** (1 / n)", "(penalty if n > 1 else 1.0) * math.prod(p[:n]) ** (1 / n)"),)),
    Mistake("letters-2", "n-grams of letters are counted; captions are split into words", (("counts = ngrams(words, n)", "counts = ngrams(hyp, n)"), ("max(ngrams(r, n)[w] for r in ref_words)", "max(ngrams(r, n)[w] for r in refs)"))),
    Mistake("no-smoothing", "TINY and SMALL are missing: without them a caption that is too short for an n-gram divides by 0", (("(c + TINY) / (t + SMALL)", "c / t"),)),
    Mistake("no-smoothing-2", "where there is no n-gram p_n is TINY / SMALL, not 0", (("(c + TINY) / (t + SMALL)", "(c / t if t else 0.0)"),)),
    Mistake("add-one", "1 is added to the counts (smoothing); here TINY and SMALL are", (("(c + TINY) / (t + SMALL)", "(c + 1) / (t + 1)"),), convention=True),
    Mistake("add-one-2", "1 is added to the counts from bigrams on (smoothing); here TINY and SMALL are",
            (("p = [(c + TINY) / (t + SMALL) for c, t in zip(correct, total)]", "p = [(c + (i > 0)) / (t + (i > 0)) for i, (c, t) in enumerate(zip(correct, total))]"),), convention=True),
    Mistake("penalty-in-root", "the brevity penalty stands under the root; it is multiplied with the geometric mean", (("penalty * math.prod(p[:n]) ** (1 / n)", "(penalty * math.prod(p[:n])) ** (1 / n)"),)),
    Mistake("penalty-per-precision", "the brevity penalty is multiplied n times; once is right", (("penalty * math.prod(p[:n])", "penalty ** n * math.prod(p[:n])"),)),
    Mistake("root-of-one-more", "the root is one too high: BLEU-n takes the n-th", (("** (1 / n)", "** (1 / (n + 1))"),)),
    Mistake("one-n-less", "the n-grams of length n are missing from BLEU-n: the product runs over p_1 to p_n", (("math.prod(p[:n])", "math.prod(p[: n - 1])"),)),
    Mistake("harmonic-mean", "the harmonic mean is taken; BLEU takes the geometric mean", (("math.prod(p[:n]) ** (1 / n)", "n / sum(1 / q for q in p[:n])"),)),
    Mistake("penalty-when-long", "the brevity penalty is applied the wrong way round: it is for captions shorter than their references", (("1.0 if ratio >= 1 else math.exp(1 - 1 / ratio)", "1.0 if ratio < 1 else math.exp(1 - 1 / ratio)"),)),
    Mistake("ratio-inverse", "the ratio of lengths is upside down: words said / reference length", (("ratio = (hyp_length + TINY) / (ref_length + SMALL)", "ratio = (ref_length + TINY) / (hyp_length + SMALL)"),)),
    Mistake("penalty-sign", "the brevity penalty has the wrong sign in its exponent: exp(1 - 1 / ratio)", (("math.exp(1 - 1 / ratio)", "math.exp(1 / ratio - 1)"),)),
    Mistake("penalty-of-last", "lengths overwrite each other: they add up over the corpus", (("hyp_length += len(words)", "hyp_length = len(words)"), ("ref_length += min", "ref_length = min"))),
    Mistake("counts-overwritten", "counts overwrite each other from picture to picture; they add up over the corpus", (("correct[n - 1] +=", "correct[n - 1] ="), ("total[n - 1] +=", "total[n - 1] ="))),
    Mistake("all-reference-lengths", "the lengths of all references are added up; one of them counts, the nearest", (("ref_length += min((abs(len(r) - len(words)), len(r)) for r in ref_words)[1]", "ref_length += sum(len(r) for r in ref_words)"),)),
    Mistake("farthest-reference", "the reference that is farthest in length is taken; the *nearest* one is", (("ref_length += min(", "ref_length += max("),)),
    Mistake("nearest-difference", "the difference in length is added up; the nearest reference's length is", (("for r in ref_words)[1]", "for r in ref_words)[0]"),)),
    Mistake("clip-smallest", "the clip is the smallest count in a reference; it is the largest", (("min(k, max(ngrams(r, n)", "min(k, min(ngrams(r, n)"),)),
    Mistake("clip-joined", "the references are joined to one text before counting; the clip is the largest count in one of them", (("max(ngrams(r, n)[w] for r in ref_words)", "ngrams([w for r in ref_words for w in r], n)[w]"),)),
    Mistake("matched-in-all", "an n-gram counts only when all references have it; one is enough", (("min(k, max(ngrams(r, n)[w] for r in ref_words))", "(min(k, max(ngrams(r, n)[w] for r in ref_words)) if all(ngrams(r, n)[w] for r in ref_words) else 0)"),)),
    Mistake("distinct-both", "each different n-gram is counted once; all are counted, up to the largest count in a reference",
            (("min(k, max(ngrams(r, n)[w] for r in ref_words))", "min(1, max(ngrams(r, n)[w] for r in ref_words))"), ("total[n - 1] += sum(counts.values())", "total[n - 1] += len(counts)"))),
    Mistake("matches-per-word", "the correct n-grams are divided by the number of words; p_n divides by the number of n-grams", (("total[n - 1] += sum(counts.values())", "total[n - 1] += len(words)"),)),
    Mistake("one-n-gram-too-few", "the number of n-grams is one too small: a caption of L words has L - n + 1", (("total[n - 1] += sum(counts.values())", "total[n - 1] += max(0, len(words) - n)"),)),
    Mistake("mean-of-pictures-penalty", "the brevity penalty is computed for each picture; lengths are added up over the corpus first",
            (("    penalty = 1.0 if ratio >= 1 else math.exp(1 - 1 / ratio)",
             "    each = [(len(h.split()), min((abs(len(r.split()) - len(h.split())), len(r.split())) for r in rs)[1]) for rs, h in zip(references, hypotheses)]\n    penalty = sum(1.0 if c >= r else math.exp(1 - r / c) for c, r in each) / len(each)"),)),
    Mistake("three-numbers", "BLEU-4 is missing: four numbers are asked for, BLEU-1 to BLEU-4", (("for n in range(1, MAX_N + 1))\n", "for n in range(1, MAX_N))\n"),)),
    Mistake("precisions-returned", "the four precisions are returned; BLEU-n is the geometric mean of the first n, times the brevity penalty", (("penalty * math.prod(p[:n]) ** (1 / n)", "p[n - 1]"),)),
    Mistake("list-returned", "the four numbers come in a list; expected a tuple", (("    return tuple(penalty * math.prod(p[:n]) ** (1 / n) for n in range(1, MAX_N + 1))", "    return [penalty * math.prod(p[:n]) ** (1 / n) for n in range(1, MAX_N + 1)]"),)),
    Mistake("per-hundred", "the scores are multiplied by 100; they are between 0 and 1", (("penalty * math.prod(p[:n]) ** (1 / n)", "100 * penalty * math.prod(p[:n]) ** (1 / n)"),), convention=True),
    Mistake("clip-last-reference", "the clip is the count in the last reference that has the n-gram: counts overwrite each other; the largest is asked for", (("max(ngrams(r, n)[w] for r in ref_words)", "([ngrams(r, n)[w] for r in ref_words if ngrams(r, n)[w]] or [0])[-1]"),)),
    Mistake("clip-last-reference-2", "the clip is the count in the last reference alone: counts overwrite each other; the largest is asked for", (("max(ngrams(r, n)[w] for r in ref_words)", "ngrams(ref_words[-1], n)[w]"),)),
    Mistake("clip-pooled", "the clip looks at the references of all pictures; a caption is held against the references of its own picture",
            (("max(ngrams(r, n)[w] for r in ref_words)", "max(ngrams(r.split(), n)[w] for some in references for r in some)"),)),
)  # fmt: skip
