"""Answers to the exercises of lesson 11 as learners write them: wrong ones with the names of their mistakes, right ones."""


def changed(text: str, *changes: tuple[str, str]) -> str:
    """The text with changes; each must occur."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


HEAD_SAMPLE1 = """
import numpy as np
from minirnn.decode import Hypothesis, Keep, Step
from minirnn.tree import tree_map
"""

CHOICE_SAMPLE1_1 = (
    HEAD_SAMPLE1
    + """
def sample(step, state, n, *, rng, temperature=1.0, top_k=None, start=1, end=2, max_length=20, never=(0, 1), keep=None):
    words = np.full(n, start)
    out = [[] for _ in range(n)]
    scores = [0.0] * n
    done = [False] * n
    for _ in range(max_length):
        if all(done):
            break
        logp, state = step(words, state)
        logp = np.array(logp, dtype=float)
        logp[:, list(never)] = -np.inf
        words = np.empty(n, dtype=int)
        for i in range(n):
            if temperature == 0:
                words[i] = logp[i].argmax()
            else:
                z = logp[i] / temperature
                if top_k is not None:
                    order = np.argsort(-logp[i], kind="stable")
                    z[order[top_k:]] = -np.inf
                p = np.exp(z - z.max())
                p = p / p.sum()
                words[i] = rng.choice(len(p), p=p)
            if done[i]:
                continue
            scores[i] += logp[i, words[i]]
            if words[i] == end:
                done[i] = True
            else:
                out[i].append(int(words[i]))
    return [Hypothesis(out[i], float(scores[i]), done[i], []) for i in range(n)]
"""
)

BATCH_SAMPLE1_2 = (
    HEAD_SAMPLE1
    + """
def sample(step, state, n, *, rng, temperature=1.0, top_k=None, start=1, end=2, max_length=20, never=(0, 1), keep=None):
    last = np.array([start] * n)
    out, scores, done = [[] for _ in range(n)], [0.0] * n, [False] * n
    for t in range(max_length):
        logp, state = step(last, state)
        masked = logp.copy()
        masked[:, list(never)] = -np.inf
        if temperature == 0:
            last = masked.argmax(axis=1)
        else:
            if top_k is not None:
                for i in range(n):
                    drop = np.argsort(-masked[i], kind="stable")[top_k:]
                    masked[i, drop] = -np.inf
            p = np.exp((masked - masked.max(axis=1, keepdims=True)) / temperature)
            p = p / p.sum(axis=1, keepdims=True)
            last = np.array([rng.choice(p.shape[1], p=p[i]) for i in range(n)])
        for i in range(n):
            if done[i]:
                continue
            w = int(last[i])
            scores[i] += float(logp[i, w])
            if w == end:
                done[i] = True
            else:
                out[i].append(w)
    return [Hypothesis(out[i], scores[i], done[i], []) for i in range(n)]
"""
)

BATCH_SAMPLE1_3 = (
    HEAD_SAMPLE1
    + """
def sample(step, state, n, *, rng, temperature=1.0, top_k=None, start=1, end=2, max_length=20, never=(0, 1), keep=None):
    last = np.array([start] * n)
    out, scores, done = [[] for _ in range(n)], [0.0] * n, [False] * n
    for t in range(max_length):
        logp, state = step(last, state)
        masked = logp.copy()
        masked[:, list(never)] = -np.inf
        if temperature == 0:
            last = masked.argmax(axis=1)
        else:
            if top_k is not None:
                for i in range(n):
                    drop = np.argsort(-masked[i], kind="stable")[top_k:]
                    masked[i, drop] = -np.inf
            p = np.exp((masked - masked.max(axis=1, keepdims=True)) / temperature)
            p = p / p.sum(axis=1, keepdims=True)
            last = np.array([rng.choice(p.shape[1], p=p[i]) for i in range(n)])
        for i in range(n):
            if done[i]:
                continue
            w = int(last[i])
            scores[i] += float(logp[i, w])
            if w == end:
                done[i] = True
            else:
                out[i].append(w)
    return [Hypothesis(out[i], scores[i], done[i], []) for i in range(n)]
"""
)

BATCH_SAMPLE1_4 = (
    HEAD_SAMPLE1
    + """
def sample(step, state, n, *, rng, temperature=1.0, top_k=None, start=1, end=2, max_length=20, never=(0, 1), keep=None):
    last = np.full(n, start)
    texts, totals, over = [[] for _ in range(n)], np.zeros(n), np.zeros(n, dtype=bool)
    for t in range(max_length):
        logp, state = step(last, state)
        z = logp.copy()
        z[:, list(never)] = -np.inf
        if top_k is not None:
            kth = np.sort(z, axis=1)[:, -top_k][:, None]
            z[z < kth] = -np.inf
        if temperature == 0:
            last = z.argmax(axis=1)
        else:
            w = np.exp(z / temperature)
            cdf = np.cumsum(w / w.sum(axis=1, keepdims=True), axis=1)
            u = rng.random(n)
            last = (u[:, None] > cdf).sum(axis=1)
        for i in range(n):
            if not over[i]:
                totals[i] += logp[i, last[i]]
                over[i] = last[i] == end
                if not over[i]:
                    texts[i].append(int(last[i]))
    return [Hypothesis(texts[i], float(totals[i]), bool(over[i]), []) for i in range(n)]
"""
)

HEAD_BEAM1 = """
import numpy as np
from minirnn.decode import Hypothesis, Keep, Step
from minirnn.tree import tree_map
"""

DICTS_BEAM1_1 = (
    HEAD_BEAM1
    + """
def beam_search(step, state, *, beam=5, length_penalty=0.0, start=1, end=2, max_length=20, never=(0, 1), keep=None):
    def rank(h):
        length = len(h["words"]) + (1 if h["finished"] else 0)
        return h["score"] / length ** length_penalty

    hyps = [{"words": [], "score": 0.0, "finished": False, "state": state, "last": start}]
    for _ in range(max_length):
        candidates = []
        for h in hyps:
            if h["finished"]:
                candidates.append(h)
                continue
            logp, new_state = step(np.array([h["last"]]), h["state"])
            for w in range(logp.shape[1]):
                if w in never:
                    continue
                candidates.append({
                    "words": h["words"] if w == end else h["words"] + [w],
                    "score": h["score"] + float(logp[0, w]),
                    "finished": w == end,
                    "state": new_state,
                    "last": w,
                })
        candidates.sort(key=rank, reverse=True)
        hyps = candidates[:beam]
        if length_penalty == 0 and hyps[0]["finished"]:
            break
        if all(h["finished"] for h in hyps):
            break
    return [Hypothesis(h["words"], h["score"], h["finished"], []) for h in hyps]
"""
)

TUPLES_BEAM1_1 = (
    HEAD_BEAM1
    + """
def beam_search(step, state, *, beam=5, length_penalty=0.0, start=1, end=2, max_length=20, never=(0, 1), keep=None):
    live = [([], 0.0)]
    done = []
    last = np.array([start])
    for t in range(1, max_length + 1):
        logp, state = step(last, state)
        logp = logp.copy()
        logp[:, list(never)] = -np.inf
        V = logp.shape[1]
        pool = [(s / (len(w) + 1) ** length_penalty, w, s, True, None) for w, s in done]
        for b, (w, s) in enumerate(live):
            for v in range(V):
                if not np.isfinite(logp[b, v]):
                    continue
                total = s + float(logp[b, v])
                pool.append((total / t ** length_penalty, w if v == end else w + [v], total, v == end, b))
        pool.sort(key=lambda c: -c[0])
        pool = pool[:beam]
        done = [(w, s) for _, w, s, f, _ in pool if f]
        going = [c for c in pool if not c[3]]
        if not going or (length_penalty == 0 and pool[0][3]):
            break
        live = [(w, s) for _, w, s, _, _ in going]
        parents = [c[4] for c in going]
        state = tree_map(lambda a: a[parents], state)
        last = np.array([w[-1] for w, _ in live])
    return [Hypothesis(w, s, f, []) for _, w, s, f, _ in pool]
"""
)

LISTS_BEAM1_2 = (
    HEAD_BEAM1
    + """
def beam_search(step, state, *, beam=5, length_penalty=0.0, start=1, end=2, max_length=20, never=(0, 1), keep=None):
    beams = [([start], 0.0, False, state)]
    def value(b):
        n = len(b[0]) - 1
        return b[1] / n ** length_penalty
    for t in range(max_length):
        new = []
        for seq, score, done, s in beams:
            if done:
                new.append((seq, score, done, s))
                continue
            logp, s_next = step(np.array([seq[-1]]), s)
            for w in range(logp.shape[1]):
                if w in never:
                    continue
                new.append((seq + [w], score + float(logp[0, w]), w == end, s_next))
        new.sort(key=value, reverse=True)
        beams = new[:beam]
        if all(b[2] for b in beams) or (length_penalty == 0 and beams[0][2]):
            break
    return [Hypothesis(seq[1:-1] if done else seq[1:], score, done, []) for seq, score, done, s in beams]
"""
)

LISTS_BEAM1_3 = (
    HEAD_BEAM1
    + """
def beam_search(step, state, *, beam=5, length_penalty=0.0, start=1, end=2, max_length=20, never=(0, 1), keep=None):
    beams = [([start], 0.0, False, state)]
    def value(b):
        n = len(b[0]) - 1
        return b[1] / n ** length_penalty
    for t in range(max_length):
        new = []
        for seq, score, done, s in beams:
            if done:
                new.append((seq, score, done, s))
                continue
            logp, s_next = step(np.array([seq[-1]]), s)
            for w in range(logp.shape[1]):
                if w in never:
                    continue
                new.append((seq + [w], score + float(logp[0, w]), w == end, s_next))
        new.sort(key=value, reverse=True)
        beams = new[:beam]
        if all(b[2] for b in beams) or (length_penalty == 0 and beams[0][2]):
            break
    return [Hypothesis(seq[1:-1] if done else seq[1:], score, done, []) for seq, score, done, s in beams]
"""
)

BATCH_BEAM1_4 = (
    HEAD_BEAM1
    + """
def beam_search(step, state, *, beam=5, length_penalty=0.0, start=1, end=2, max_length=20, never=(0, 1), keep=None):
    hyps = [Hypothesis([], 0.0, False, [])]
    states = [state]
    def rank(h):
        return h.score / (len(h.words) + int(h.finished)) ** length_penalty
    for _ in range(max_length):
        cands = []
        for h, s in zip(hyps, states):
            if h.finished:
                cands.append((rank(h), h, s))
            else:
                logp, new = step(np.array([(h.words or [start])[-1]]), s)
                row = logp[0].copy()
                row[list(never)] = -np.inf
                for w in np.argsort(-row)[:beam]:
                    if row[w] == -np.inf:
                        continue
                    words = list(h.words) + ([] if w == end else [int(w)])
                    c = Hypothesis(words, h.score + float(row[w]), bool(w == end), [])
                    cands.append((rank(c), c, new))
        cands = sorted(cands, key=lambda c: c[0], reverse=True)[:beam]
        hyps, states = [c[1] for c in cands], [c[2] for c in cands]
        if all(h.finished for h in hyps):
            break
    return hyps
"""
)

HEAD_BLEU1 = """
import math
from collections import Counter
from minirnn.metrics import MAX_N, SMALL, TINY

def ngrams(words, n):
    return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))
"""

LOOPS_BLEU1_1 = (
    HEAD_BLEU1
    + """
def bleu(references, hypotheses):
    hyp_len = 0
    ref_len = 0
    for refs, hyp in zip(references, hypotheses):
        c = len(hyp.split())
        hyp_len += c
        best = None
        for r in refs:
            length = len(r.split())
            if best is None or abs(length - c) < abs(best - c) or (abs(length - c) == abs(best - c) and length < best):
                best = length
        ref_len += best
    ratio = (hyp_len + TINY) / (ref_len + SMALL)
    bp = 1.0
    if ratio < 1:
        bp = math.exp(1 - 1 / ratio)
    scores = []
    product = 1.0
    for n in range(1, MAX_N + 1):
        correct = 0
        total = 0
        for refs, hyp in zip(references, hypotheses):
            counts = ngrams(hyp.split(), n)
            ref_counts = [ngrams(r.split(), n) for r in refs]
            for gram, count in counts.items():
                most = max(rc[gram] for rc in ref_counts)
                correct += min(count, most)
            total += sum(counts.values())
        p = (correct + TINY) / (total + SMALL)
        product *= p
        scores.append(bp * product ** (1 / n))
    return tuple(scores)
"""
)

PLAIN_BLEU1_2 = (
    HEAD_BLEU1
    + """
def bleu(references, hypotheses):
    correct = [0] * (MAX_N + 1)
    total = [0] * (MAX_N + 1)
    c = r = 0
    for refs, hyp in zip(references, hypotheses):
        words = hyp.split()
        c += len(words)
        lengths = sorted(len(ref.split()) for ref in refs)
        r += min(lengths, key=lambda length: abs(length - len(words)))
        for n in range(1, MAX_N + 1):
            counts = ngrams(words, n)
            best = Counter()
            for ref in refs:
                for gram, k in ngrams(ref.split(), n).items():
                    best[gram] = max(best[gram], k)
            correct[n] += sum(min(k, best[gram]) for gram, k in counts.items())
            total[n] += sum(counts.values())
    ratio = (c + TINY) / (r + SMALL)
    bp = 1.0 if ratio >= 1 else math.exp(1 - 1 / ratio)
    logs, scores = 0.0, []
    for n in range(1, MAX_N + 1):
        logs += math.log((correct[n] + TINY) / (total[n] + SMALL))
        scores.append(bp * math.exp(logs / n))
    return tuple(scores)
"""
)

PLAIN_BLEU1_3 = (
    HEAD_BLEU1
    + """
def bleu(references, hypotheses):
    correct = [0] * (MAX_N + 1)
    total = [0] * (MAX_N + 1)
    c = r = 0
    for refs, hyp in zip(references, hypotheses):
        words = hyp.split()
        c += len(words)
        lengths = sorted(len(ref.split()) for ref in refs)
        r += min(lengths, key=lambda length: abs(length - len(words)))
        for n in range(1, MAX_N + 1):
            counts = ngrams(words, n)
            best = Counter()
            for ref in refs:
                for gram, k in ngrams(ref.split(), n).items():
                    best[gram] = max(best[gram], k)
            correct[n] += sum(min(k, best[gram]) for gram, k in counts.items())
            total[n] += sum(counts.values())
    ratio = (c + TINY) / (r + SMALL)
    bp = 1.0 if ratio >= 1 else math.exp(1 - 1 / ratio)
    logs, scores = 0.0, []
    for n in range(1, MAX_N + 1):
        logs += math.log((correct[n] + TINY) / (total[n] + SMALL))
        scores.append(bp * math.exp(logs / n))
    return tuple(scores)
"""
)

WRONG = {
    "sample1": [
        # temperature multiplied instead of divided
        (
            "temperature-inverse",
            changed(
                CHOICE_SAMPLE1_1,
                (
                    """                z = logp[i] / temperature
""",
                    """                z = logp[i] * temperature
""",
                ),
            ),
        ),
        # score of the tempered, cut, renormalised distribution
        (
            "renormalised",
            changed(
                CHOICE_SAMPLE1_1,
                (
                    """            scores[i] += logp[i, words[i]]
""",
                    """            scores[i] += np.log(p[words[i]]) if temperature > 0 else logp[i, words[i]]
""",
                ),
            ),
        ),
        # temperature 0 not handled
        (
            "temperature-zero",
            changed(
                CHOICE_SAMPLE1_1,
                (
                    """            if temperature == 0:
                words[i] = logp[i].argmax()
            else:
""",
                    """            if True:
""",
                ),
            ),
        ),
        # top_k not honoured
        (
            "top-k-ignored",
            changed(
                CHOICE_SAMPLE1_1,
                (
                    """                if top_k is not None:
                    order = np.argsort(-logp[i], kind="stable")
                    z[order[top_k:]] = -np.inf
""",
                    """""",
                ),
            ),
        ),
        # never not honoured
        (
            "never-allowed",
            changed(
                CHOICE_SAMPLE1_1,
                (
                    """        logp[:, list(never)] = -np.inf
""",
                    """""",
                ),
            ),
        ),
        # top_k least probable words
        (
            "top-k-fails",
            changed(
                CHOICE_SAMPLE1_1,
                (
                    """                    order = np.argsort(-logp[i], kind="stable")
""",
                    """                    order = np.argsort(logp[i], kind="stable")
""",
                ),
            ),
        ),
        # one number drawn for all rows
        (
            "one-draw",
            HEAD_SAMPLE1
            + """
def sample(step, state, n, *, rng, temperature=1.0, top_k=None, start=1, end=2, max_length=20, never=(0, 1), keep=None):
    tokens = np.full(n, start, dtype=np.int64)
    scores, done = np.zeros(n), np.zeros(n, dtype=bool)
    texts = [[] for _ in range(n)]
    for _ in range(max_length):
        logp, state = step(tokens, state)
        z = logp.copy()
        z[:, list(never)] = -np.inf
        if top_k is not None:
            for r in range(n):
                z[r, np.argsort(-z[r], kind="stable")[top_k:]] = -np.inf
        if temperature == 0:
            tokens = z.argmax(axis=1)
        else:
            e = np.exp((z - z.max(axis=1, keepdims=True)) / temperature)
            cdf = np.cumsum(e / e.sum(axis=1, keepdims=True), axis=1)
            u = rng.random()
            tokens = np.minimum((cdf < u).sum(axis=1), z.shape[1] - 1)
        scores = scores + np.where(done, 0.0, logp[np.arange(n), tokens])
        for i in range(n):
            if not done[i] and tokens[i] != end:
                texts[i].append(int(tokens[i]))
        done = done | (tokens == end)
    return [Hypothesis(texts[i], float(scores[i]), bool(done[i]), []) for i in range(n)]
""",
        ),
        # np.random instead of rng
        (
            "other-generator",
            HEAD_SAMPLE1
            + """
def sample(step, state, n, *, rng, temperature=1.0, top_k=None, start=1, end=2, max_length=20, never=(0, 1), keep=None):
    tokens = np.full(n, start)
    texts, scores, done = [[] for _ in range(n)], [0.0] * n, [False] * n
    for _ in range(max_length):
        logp, state = step(tokens, state)
        logp[:, list(never)] = -np.inf
        nxt = []
        for i in range(n):
            order = np.argsort(-logp[i], kind="stable")[:top_k]
            if temperature == 0:
                w = int(order[0])
            else:
                p = np.exp((logp[i, order] - logp[i, order[0]]) / temperature)
                w = int(np.random.choice(order, p=p / p.sum()))
            nxt.append(w)
            if not done[i]:
                scores[i] += logp[i, w]
                if w == end:
                    done[i] = True
                else:
                    texts[i].append(w)
        tokens = np.array(nxt)
    return [Hypothesis(texts[i], float(scores[i]), done[i], []) for i in range(n)]
""",
        ),
        # draws uniformly among the top k
        (
            "uniform",
            changed(
                BATCH_SAMPLE1_2,
                (
                    """            p = p / p.sum(axis=1, keepdims=True)
""",
                    """            p = (p > 0) / (p > 0).sum(axis=1, keepdims=True)
""",
                ),
            ),
        ),
        # normalised over the batch instead of over the words
        (
            "nan-probabilities",
            changed(
                BATCH_SAMPLE1_2,
                (
                    """            p = p / p.sum(axis=1, keepdims=True)
""",
                    """            p = p / p.sum(axis=0, keepdims=True)
""",
                ),
            ),
        ),
        # the generator made anew at every step
        (
            "rng-ignored",
            changed(
                BATCH_SAMPLE1_2,
                (
                    """            last = np.array([rng.choice(p.shape[1], p=p[i]) for i in range(n)])
""",
                    """            rng = np.random.default_rng(0)
            last = np.array([rng.choice(p.shape[1], p=p[i]) for i in range(n)])
""",
                ),
            ),
        ),
        # score of the probability, not its log
        (
            "probabilities",
            changed(
                BATCH_SAMPLE1_2,
                (
                    """            scores[i] += float(logp[i, w])
""",
                    """            scores[i] += float(np.exp(logp[i, w]))
""",
                ),
            ),
        ),
        # temperature on probabilities: p ** temperature
        (
            "temperature-inverse",
            changed(
                BATCH_SAMPLE1_3,
                (
                    """            p = np.exp((masked - masked.max(axis=1, keepdims=True)) / temperature)
""",
                    """            p = np.exp(masked) ** temperature
""",
                ),
            ),
        ),
        # takes top_k + 1 words (off by one)
        (
            "top-k-off-by-one",
            changed(
                BATCH_SAMPLE1_3,
                (
                    """[top_k:]
""",
                    """[top_k + 1:]
""",
                ),
            ),
        ),
        # one probability vector for all rows: p[0]
        ("first-row", changed(BATCH_SAMPLE1_3, ("""p=p[i]) for i""", """p=p[0]) for i"""))),
        # off by one in the cdf: the word before
        (
            "never-allowed",
            changed(
                BATCH_SAMPLE1_4,
                (
                    """            last = (u[:, None] > cdf).sum(axis=1)
""",
                    """            last = np.maximum((u[:, None] > cdf).sum(axis=1) - 1, 2)
""",
                ),
            ),
        ),
        # temperature used only when it is below 1
        (
            "temperature-ignored",
            changed(
                BATCH_SAMPLE1_4,
                (
                    """            w = np.exp(z / temperature)
""",
                    """            w = np.exp(z / min(temperature, 1.0))
""",
                ),
            ),
        ),
        # random numbers drawn once, before the loop
        (
            "one-number",
            changed(
                BATCH_SAMPLE1_4,
                (
                    """    for t in range(max_length):
        logp, state""",
                    """    u = rng.random(n)
    for t in range(max_length):
        logp, state""",
                ),
                (
                    """            u = rng.random(n)
            last""",
                    """            last""",
                ),
            ),
        ),
        # scores go on after END
        (
            "goes-on-after-end",
            changed(
                BATCH_SAMPLE1_4,
                (
                    """            if not over[i]:
                totals[i] += logp[i, last[i]]
                over[i] = last[i] == end
""",
                    """            totals[i] += logp[i, last[i]]
            if not over[i]:
                over[i] = last[i] == end
""",
                ),
            ),
        ),
    ],
    "beam1": [
        # finished hypotheses are expanded again
        (
            ("extends-finished", "extends-finished-2", "extends-finished-3", "extends-finished-4"),
            changed(
                DICTS_BEAM1_1,
                (
                    """            if h["finished"]:
                candidates.append(h)
                continue
""",
                    """""",
                ),
            ),
        ),
        # states not re-ordered by parent: cut to the number under way
        (
            "wrong-state",
            changed(
                TUPLES_BEAM1_1,
                (
                    """        state = tree_map(lambda a: a[parents], state)
""",
                    """        state = tree_map(lambda a: a[np.arange(len(live)) % len(a)], state)
""",
                ),
            ),
        ),
        # score is the last word's log-probability alone
        (
            "last-logp",
            changed(
                DICTS_BEAM1_1,
                (
                    """                    "score": h["score"] + float(logp[0, w]),
""",
                    """                    "score": float(logp[0, w]),
""",
                ),
            ),
        ),
        # length without END
        (
            "length-without-end",
            changed(
                DICTS_BEAM1_1,
                (
                    """        length = len(h["words"]) + (1 if h["finished"] else 0)
""",
                    """        length = max(len(h["words"]), 1)
""",
                ),
            ),
        ),
        # the rank is returned as the score
        (
            "score-normalised",
            changed(
                DICTS_BEAM1_1,
                (
                    """    return [Hypothesis(h["words"], h["score"], h["finished"], []) for h in hyps]
""",
                    """    return [Hypothesis(h["words"], rank(h), h["finished"], []) for h in hyps]
""",
                ),
            ),
        ),
        # stops at the first finished whatever the penalty
        (
            "stops-at-best-finished",
            changed(
                DICTS_BEAM1_1,
                (
                    """        if length_penalty == 0 and hyps[0]["finished"]:
""",
                    """        if hyps[0]["finished"]:
""",
                ),
            ),
        ),
        # finished ones leave the beam and are collected beside it
        (
            (
                "beside-0",
                "beside-1",
                "beside-2",
                "beside-3",
                "beside-4",
                "beside-5",
                "beside-6",
                "beside-7",
                "beside-8",
            ),
            HEAD_BEAM1
            + """
def beam_search(step, state, *, beam=5, length_penalty=0.0, start=1, end=2, max_length=20, never=(0, 1), keep=None):
    live = [([], 0.0, state)]
    complete = []
    for _ in range(max_length):
        pool = []
        for words, score, s in live:
            logp, s2 = step(np.array([words[-1] if words else start]), s)
            for w in range(logp.shape[1]):
                if w not in never:
                    pool.append((words, w, score + float(logp[0, w]), s2))
        pool.sort(key=lambda c: -c[2])
        live = []
        for words, w, score, s2 in pool:
            if w == end:
                complete.append(Hypothesis(words, score, True, []))
            else:
                live.append((words + [w], score, s2))
            if len(live) == beam:
                break
    if not complete:
        complete = [Hypothesis(w, s, False, []) for w, s, _ in live]
    complete.sort(key=lambda h: h.score / (len(h.words) + 1) ** length_penalty, reverse=True)
    return complete[:beam]
""",
        ),
        # only the best word of every hypothesis after the first step
        (
            ("copies", "greedy", "greedy-2"),
            HEAD_BEAM1
            + """
def beam_search(step, state, *, beam=5, length_penalty=0.0, start=1, end=2, max_length=20, never=(0, 1), keep=None):
    logp, s = step(np.array([start]), state)
    row = logp[0].copy()
    row[list(never)] = -np.inf
    hyps = []
    for w in np.argsort(-row)[:beam]:
        hyps.append([[] if w == end else [int(w)], float(row[w]), bool(w == end), s, int(w)])
    for _ in range(max_length - 1):
        for h in hyps:
            if h[2]:
                continue
            logp, h[3] = step(np.array([h[4]]), h[3])
            row = logp[0].copy()
            row[list(never)] = -np.inf
            w = int(row.argmax())
            h[1] += float(row[w])
            h[4] = w
            if w == end:
                h[2] = True
            else:
                h[0].append(w)
    hyps.sort(key=lambda h: h[1] / (len(h[0]) + h[2]) ** length_penalty, reverse=True)
    return [Hypothesis(h[0], h[1], h[2], []) for h in hyps]
""",
        ),
        # the last word is cut off of unfinished sentences too
        ("last-word-missing", changed(LISTS_BEAM1_2, ("""seq[1:-1] if done else seq[1:]""", """seq[1:-1]"""))),
        # sorted by score, the penalty only for the final choice
        (
            ("penalty-at-the-end", "penalty-at-the-end-2"),
            changed(
                LISTS_BEAM1_2,
                (
                    """        new.sort(key=value, reverse=True)
""",
                    """        new.sort(key=lambda b: -b[1])
""",
                ),
                (
                    """    return [Hypothesis(""",
                    """    beams.sort(key=value, reverse=True)
    return [Hypothesis(""",
                ),
            ),
        ),
        # keeps beam children of every sentence, no cut over all of them
        (
            "keeps-beam-per-sentence",
            changed(
                LISTS_BEAM1_2,
                (
                    """        beams = new[:beam]
""",
                    """        beams = new[: beam * beam]
""",
                ),
            ),
        ),
        # child gets the parent's old state
        (
            "old-state",
            changed(
                LISTS_BEAM1_2,
                (
                    """w == end, s_next))
""",
                    """w == end, s))
""",
                ),
            ),
        ),
        # length counts START (n = len(seq))
        (
            "start-counted",
            changed(
                LISTS_BEAM1_3,
                (
                    """        n = len(b[0]) - 1
""",
                    """        n = len(b[0])
""",
                ),
            ),
        ),
        # the score starts at 1
        (
            "starts-at-one",
            changed(
                LISTS_BEAM1_3,
                (
                    """    beams = [([start], 0.0, False, state)]
""",
                    """    beams = [([start], 1.0, False, state)]
""",
                ),
            ),
        ),
        # stops as soon as one sentence is finished, and returns only finished ones
        (
            ("stops-at-first-finished-2", "stops-at-first-finished-3", "stops-at-first-finished-4"),
            changed(
                LISTS_BEAM1_3,
                (
                    """        if all(b[2] for b in beams) or (length_penalty == 0 and beams[0][2]):
            break
""",
                    """        if any(b[2] for b in beams):
            beams = [b for b in beams if b[2]]
            break
""",
                ),
            ),
        ),
        # unfinished sentences preferred
        (
            ("unfinished-first", "unfinished-first-2"),
            changed(
                BATCH_BEAM1_4,
                (
                    """        if all(h.finished for h in hyps):
            break
""",
                    """        if all(h.finished for h in hyps):
            break
    hyps = [h for h in hyps if not h.finished] or hyps
""",
                ),
            ),
        ),
        # only the finished ones are returned when there are any
        (
            "finished-first",
            changed(
                BATCH_BEAM1_4,
                (
                    """    return hyps
""",
                    """    done = [h for h in hyps if h.finished]
    return done or hyps
""",
                ),
            ),
        ),
        # the same words list is shared between parent and child
        (
            "one-list",
            changed(
                BATCH_BEAM1_4,
                (
                    """                    words = list(h.words) + ([] if w == end else [int(w)])
""",
                    """                    words = h.words
                    if w != end:
                        words.append(int(w))
""",
                ),
            ),
        ),
        # probabilities added up
        (
            "probabilities",
            changed(
                BATCH_BEAM1_4,
                (
                    """                    c = Hypothesis(words, h.score + float(row[w]), bool(w == end), [])
""",
                    """                    c = Hypothesis(words, h.score + float(np.exp(row[w])), bool(w == end), [])
""",
                ),
            ),
        ),
    ],
    "bleu1": [
        # no clipping
        (
            "no-clipping",
            changed(
                LOOPS_BLEU1_1,
                (
                    """                most = max(rc[gram] for rc in ref_counts)
                correct += min(count, most)
""",
                    """                if any(gram in rc for rc in ref_counts):
                    correct += count
""",
                ),
            ),
        ),
        # clipped by the sum over the references
        (
            "clip-sum",
            changed(
                LOOPS_BLEU1_1,
                (
                    """                most = max(rc[gram] for rc in ref_counts)
""",
                    """                most = sum(rc[gram] for rc in ref_counts)
""",
                ),
            ),
        ),
        # brevity penalty exp(1 - ratio)
        (
            "penalty-inverse",
            changed(
                LOOPS_BLEU1_1,
                (
                    """        bp = math.exp(1 - 1 / ratio)
""",
                    """        bp = math.exp(1 - ratio)
""",
                ),
            ),
        ),
        # mean over pictures of sentence BLEU
        (
            "mean-of-pictures",
            HEAD_BLEU1
            + """
def one(refs, hyp):
    h = hyp.split()
    rs = [r.split() for r in refs]
    closest = min((abs(len(r) - len(h)), len(r)) for r in rs)[1]
    ratio = (len(h) + TINY) / (closest + SMALL)
    bp = 1.0 if ratio >= 1 else math.exp(1 - 1 / ratio)
    prod, out = 1.0, []
    for n in range(1, MAX_N + 1):
        counts = ngrams(h, n)
        correct = sum(min(c, max(ngrams(r, n)[g] for r in rs)) for g, c in counts.items())
        prod *= (correct + TINY) / (sum(counts.values()) + SMALL)
        out.append(bp * prod ** (1 / n))
    return out

def bleu(references, hypotheses):
    scores = [one(r, h) for r, h in zip(references, hypotheses)]
    return tuple(sum(s[k] for s in scores) / len(scores) for k in range(MAX_N))
""",
        ),
        # shortest reference instead of the closest
        (
            "shortest-reference",
            changed(
                LOOPS_BLEU1_1,
                (
                    """            if best is None or abs(length - c) < abs(best - c) or (abs(length - c) == abs(best - c) and length < best):
""",
                    """            if best is None or length < best:
""",
                ),
            ),
        ),
        # arithmetic mean of the precisions
        (
            "arithmetic-mean",
            changed(
                LOOPS_BLEU1_1,
                (
                    """        product *= p
        scores.append(bp * product ** (1 / n))
""",
                    """        product += p
        scores.append(bp * (product - 1) / n)
""",
                ),
            ),
        ),
        # root forgotten
        (
            "no-root",
            changed(
                LOOPS_BLEU1_1,
                (
                    """        scores.append(bp * product ** (1 / n))
""",
                    """        scores.append(bp * product)
""",
                ),
            ),
        ),
        # letters instead of words
        (
            ("letters", "letters-2"),
            changed(
                LOOPS_BLEU1_1,
                (
                    """            counts = ngrams(hyp.split(), n)
            ref_counts = [ngrams(r.split(), n) for r in refs]
""",
                    """            counts = ngrams(hyp, n)
            ref_counts = [ngrams(r, n) for r in refs]
""",
                ),
            ),
        ),
        # log summed but not divided by n
        ("no-root", changed(PLAIN_BLEU1_2, ("""math.exp(logs / n)""", """math.exp(logs)"""))),
        # only the last reference is left in the clip (overwritten)
        (
            "clip-last-reference",
            changed(
                PLAIN_BLEU1_2,
                (
                    """                    best[gram] = max(best[gram], k)
""",
                    """                    best[gram] = k
""",
                ),
            ),
        ),
        # the longest reference's length
        (
            "longest-reference",
            changed(
                PLAIN_BLEU1_2,
                (
                    """        r += min(lengths, key=lambda length: abs(length - len(words)))
""",
                    """        r += lengths[-1]
""",
                ),
            ),
        ),
        # one n-gram too few below the line
        (
            "one-n-gram-too-few",
            changed(
                PLAIN_BLEU1_2,
                (
                    """            total[n] += sum(counts.values())
""",
                    """            total[n] += len(words) - n
""",
                ),
            ),
        ),
        # different n-grams counted once below the line
        (
            "distinct-total",
            changed(
                PLAIN_BLEU1_3,
                (
                    """            total[n] += sum(counts.values())
""",
                    """            total[n] += len(counts)
""",
                ),
            ),
        ),
        # brevity penalty for long captions
        (
            "ratio-inverse",
            changed(
                PLAIN_BLEU1_3,
                (
                    """    bp = 1.0 if ratio >= 1 else math.exp(1 - 1 / ratio)
""",
                    """    bp = 1.0 if ratio <= 1 else math.exp(1 - ratio)
""",
                ),
            ),
        ),
        # clip against all references of all pictures
        (
            "clip-pooled",
            changed(
                PLAIN_BLEU1_3,
                (
                    """            for ref in refs:
                for gram""",
                    """            for ref in [one for some in references for one in some]:
                for gram""",
                ),
            ),
        ),
    ],
}

RIGHT = {
    "sample1": [
        # whole batch, rng.choice per row
        CHOICE_SAMPLE1_1,
        # cumsum and searchsorted, one sequence after the other
        HEAD_SAMPLE1
        + """
def sample(step, state, n, *, rng, temperature=1.0, top_k=None, start=1, end=2, max_length=20, never=(0, 1), keep=None):
    found = []
    for i in range(n):
        s = tree_map(lambda a: a[i:i + 1], state)
        last, words, score, finished = start, [], 0.0, False
        for _ in range(max_length):
            logp, s = step(np.array([last]), s)
            row = logp[0]
            words_allowed = [w for w in range(len(row)) if w not in never]
            words_allowed.sort(key=lambda w: (-row[w], w))
            if top_k is not None:
                words_allowed = words_allowed[:top_k]
            if temperature == 0:
                last = words_allowed[0]
            else:
                weights = np.exp((row[words_allowed] - row[words_allowed[0]]) / temperature)
                cdf = np.cumsum(weights)
                last = words_allowed[int(np.searchsorted(cdf, rng.random() * cdf[-1], side="right"))]
            score += float(row[last])
            if last == end:
                finished = True
                break
            words.append(last)
        found.append(Hypothesis(words, score, finished, []))
    return found
""",
        # Gumbel trick
        HEAD_SAMPLE1
        + """
def sample(step, state, n, *, rng, temperature=1.0, top_k=None, start=1, end=2, max_length=20, never=(0, 1), keep=None):
    last = np.full(n, start)
    said, gain = [], []
    for _ in range(max_length):
        logp, state = step(last, state)
        masked = logp.copy()
        masked[:, list(never)] = -np.inf
        if top_k is not None and top_k < masked.shape[1]:
            rank = np.argsort(np.argsort(-masked, axis=1, kind="stable"), axis=1)
            masked = np.where(rank < top_k, masked, -np.inf)
        if temperature > 0:
            masked = masked / temperature + rng.gumbel(size=masked.shape)
        last = masked.argmax(axis=1)
        said.append(last)
        gain.append(logp[np.arange(n), last])
    found = []
    for i in range(n):
        words, score, finished = [], 0.0, False
        for t in range(max_length):
            score += float(gain[t][i])
            if said[t][i] == end:
                finished = True
                break
            words.append(int(said[t][i]))
        found.append(Hypothesis(words, score, finished, []))
    return found
""",
        # multinomial, rows leave the batch
        HEAD_SAMPLE1
        + """
def sample(step, state, n, *, rng, temperature=1.0, top_k=None, start=1, end=2, max_length=20, never=(0, 1), keep=None):
    hyps = [Hypothesis([], 0.0, False, [])] * n
    live = list(range(n))
    last = np.array([start] * n)
    for _ in range(max_length):
        if not live:
            break
        logp, state = step(last, state)
        p = np.zeros(logp.shape)
        for r in range(len(live)):
            z = {w: logp[r, w] for w in range(logp.shape[1]) if w not in never}
            best = sorted(z, key=lambda w: -z[w])[:top_k]
            if temperature == 0:
                p[r, best[0]] = 1
            else:
                for w in best:
                    p[r, w] = np.exp((z[w] - z[best[0]]) / temperature)
        p /= p.sum(axis=1, keepdims=True)
        last = rng.multinomial(1, p).argmax(axis=1)
        for r, i in enumerate(live):
            w = int(last[r])
            h = hyps[i]
            hyps[i] = Hypothesis(h.words + ([] if w == end else [w]), h.score + logp[r, w], w == end, [])
        stay = [r for r in range(len(live)) if last[r] != end]
        live, last, state = [live[r] for r in stay], last[stay], tree_map(lambda a: a[stay], state)
    return hyps
""",
        # inverse transform on the whole batch
        HEAD_SAMPLE1
        + """
def sample(step, state, n, *, rng, temperature=1.0, top_k=None, start=1, end=2, max_length=20, never=(0, 1), keep=None):
    tokens = np.full(n, start, dtype=np.int64)
    scores, done = np.zeros(n), np.zeros(n, dtype=bool)
    texts = [[] for _ in range(n)]
    for _ in range(max_length):
        logp, state = step(tokens, state)
        z = logp.astype(np.float64)
        z[:, list(never)] = -np.inf
        if top_k is not None:
            for r in range(n):
                z[r, np.argsort(-z[r], kind="stable")[top_k:]] = -np.inf
        if temperature == 0:
            tokens = z.argmax(axis=1)
        else:
            e = np.exp((z - z.max(axis=1, keepdims=True)) / temperature)
            cdf = np.cumsum(e / e.sum(axis=1, keepdims=True), axis=1)
            u = rng.uniform(size=(n, 1))
            tokens = np.minimum((cdf < u).sum(axis=1), z.shape[1] - 1)
        scores = scores + np.where(done, 0.0, logp[np.arange(n), tokens])
        for i in range(n):
            if not done[i] and tokens[i] != end:
                texts[i].append(int(tokens[i]))
        done = done | (tokens == end)
        if done.all():
            break
    return [Hypothesis(texts[i], float(scores[i]), bool(done[i]), []) for i in range(n)]
""",
        # exponential race
        HEAD_SAMPLE1
        + """
def sample(step, state, n, *, rng, temperature=1.0, top_k=None, start=1, end=2, max_length=20, never=(0, 1), keep=None):
    out = []
    words = np.full(n, start)
    text, score, fin = [[] for _ in range(n)], np.zeros(n), np.zeros(n, bool)
    for _ in range(max_length):
        logp, state = step(words, state)
        for i in range(n):
            allowed = np.setdiff1d(np.arange(logp.shape[1]), never)
            allowed = allowed[np.argsort(-logp[i, allowed], kind="stable")]
            if top_k:
                allowed = allowed[:top_k]
            if temperature == 0:
                words[i] = allowed[0]
            else:
                rate = np.exp((logp[i, allowed] - logp[i, allowed[0]]) / temperature)
                with np.errstate(divide="ignore"):
                    words[i] = allowed[np.argmin(rng.exponential(size=len(allowed)) / rate)]
            if not fin[i]:
                score[i] += logp[i, words[i]]
                if words[i] == end:
                    fin[i] = True
                else:
                    text[i].append(int(words[i]))
    return [Hypothesis(t, float(s), bool(f), []) for t, s, f in zip(text, score, fin)]
""",
    ],
    "beam1": [
        # every hypothesis carries its own state; all candidates in one list
        DICTS_BEAM1_1,
        # batched step, states gathered by parent
        TUPLES_BEAM1_1,
        # recursion, frozen states
        HEAD_BEAM1
        + """
def beam_search(step, state, *, beam=5, length_penalty=0.0, start=1, end=2, max_length=20, never=(0, 1), keep=None):
    def value(entry):
        h, _ = entry
        n = len(h.words) + int(h.finished)
        return h.score / (n ** length_penalty if length_penalty else 1)

    def extend(entry):
        h, s = entry
        if h.finished:
            return [entry]
        word = h.words[-1] if h.words else start
        logp, s2 = step(np.array([word], dtype=np.int64), s)
        children = []
        for v, lp in enumerate(logp[0].tolist()):
            if v not in never:
                words = list(h.words) if v == end else [*h.words, v]
                children.append((Hypothesis(words, h.score + lp, v == end, []), s2))
        return children

    def go(entries, left):
        if left == 0 or all(h.finished for h, _ in entries) or (length_penalty == 0 and entries[0][0].finished):
            return [h for h, _ in entries]
        pool = [child for e in entries for child in extend(e)]
        return go(sorted(pool, key=value, reverse=True)[:beam], left - 1)

    return go([(Hypothesis([], 0.0, False, []), state)], max_length)
""",
        # re-reads the sentence from the first state every time
        HEAD_BEAM1
        + """
def beam_search(step, state, *, beam=5, length_penalty=0.0, start=1, end=2, max_length=20, never=(0, 1), keep=None):
    def read(words):
        s = state
        for w in [start] + words:
            logp, s = step(np.array([w]), s)
        return logp[0]

    kept = [Hypothesis([], 0.0, False, [])]
    for _ in range(max_length):
        pool = []
        for h in kept:
            if h.finished:
                pool.append(h)
                continue
            logp = read(h.words)
            for w in np.argsort(-logp, kind="stable"):
                w = int(w)
                if w in never:
                    continue
                if w == end:
                    pool.append(Hypothesis(h.words, h.score + logp[w], True, []))
                else:
                    pool.append(Hypothesis(h.words + [w], h.score + logp[w], False, []))
        pool.sort(key=lambda h: h.score / (len(h.words) + h.finished) ** length_penalty, reverse=True)
        kept = pool[:beam]
        if all(h.finished for h in kept):
            break
    return kept
""",
        # heap
        HEAD_BEAM1
        + """
import heapq

def beam_search(step, state, *, beam=5, length_penalty=0.0, start=1, end=2, max_length=20, never=(0, 1), keep=None):
    entries = [(0.0, (), False, state)]
    for _ in range(max_length):
        if all(e[2] for e in entries):
            break
        pool = []
        for score, words, finished, s in entries:
            if finished:
                pool.append((score, words, True, None))
                continue
            logp, nxt = step(np.array([words[-1] if words else start]), s)
            allowed = [w for w in range(logp.shape[-1]) if w not in never]
            for w in allowed:
                pool.append((score + logp[0, w], words if w == end else words + (w,), w == end, nxt))
        entries = heapq.nlargest(beam, pool, key=lambda e: e[0] / (len(e[1]) + e[2]) ** length_penalty)
    return [Hypothesis(list(w), float(s), f, []) for s, w, f, _ in entries]
""",
        # as it is
        changed(
            LISTS_BEAM1_2,
            (
                """    beams = [([start], 0.0, False, state)]
""",
                """    beams = [([start], 0.0, False, state)]
""",
            ),
        ),
        # top beam of each, run to the end
        changed(
            BATCH_BEAM1_4,
            (
                """    states = [state]
""",
                """    states = [state]
""",
            ),
        ),
    ],
    "bleu1": [
        # n outside, pictures inside
        LOOPS_BLEU1_1,
        # Counter algebra and logs
        HEAD_BLEU1
        + """
def bleu(references, hypotheses):
    right, seen, c_len, r_len = Counter(), Counter(), 0, 0
    for refs, hyp in zip(references, hypotheses):
        h, rs = hyp.split(), [r.split() for r in refs]
        c_len += len(h)
        r_len += sorted((abs(len(r) - len(h)), len(r)) for r in rs)[0][1]
        for n in range(1, MAX_N + 1):
            union = Counter()
            for r in rs:
                union |= ngrams(r, n)
            mine = ngrams(h, n)
            right[n] += sum((mine & union).values())
            seen[n] += max(len(h) - n + 1, 0)
    ratio = (c_len + TINY) / (r_len + SMALL)
    log_bp = min(0.0, 1 - 1 / ratio)
    logs = [math.log((right[n] + TINY) / (seen[n] + SMALL)) for n in range(1, MAX_N + 1)]
    return tuple(math.exp(log_bp + sum(logs[:n]) / n) for n in range(1, MAX_N + 1))
""",
        # numpy
        HEAD_BLEU1
        + """
import numpy as np

def bleu(references, hypotheses):
    stats = np.zeros((MAX_N, 2))
    lengths = np.zeros(2)
    for refs, hyp in zip(references, hypotheses):
        words = hyp.split()
        ref_words = [r.split() for r in refs]
        ref_lengths = np.sort([len(r) for r in ref_words])
        lengths += (len(words), ref_lengths[np.argmin(np.abs(ref_lengths - len(words)))])
        for n in range(MAX_N):
            for gram, count in ngrams(words, n + 1).items():
                stats[n] += (min(count, max(ngrams(r, n + 1)[gram] for r in ref_words)), count)
    ratio = (lengths[0] + TINY) / (lengths[1] + SMALL)
    bp = 1 if ratio >= 1 else np.exp(1 - 1 / ratio)
    p = (stats[:, 0] + TINY) / (stats[:, 1] + SMALL)
    scores = bp * np.cumprod(p) ** (1 / np.arange(1, MAX_N + 1))
    return tuple(float(s) for s in scores)
""",
        # as it is
        changed(
            PLAIN_BLEU1_2,
            (
                """    c = r = 0
""",
                """    r = c = 0
""",
            ),
        ),
    ],
}
