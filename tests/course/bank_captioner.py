"""Answers to the exercises of lesson 10 as learners write them: wrong ones with the names of their mistakes, right ones."""


def changed(text: str, *changes: tuple[str, str]) -> str:
    """The text with changes; each must occur."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


HEAD_CAPTIONER1 = """
import numpy as np
from minirnn.models.captioner_params import CaptionerConfig, CaptionerParams
from minirnn.models.captioner_parts import Seen, begin_forward, see_forward, tell_forward
from minirnn.ops import READABLE, Ops
"""

PLAIN_CAPTIONER1_1 = (
    HEAD_CAPTIONER1
    + """
def captioner_forward(images, which, inputs, targets, mask, running, params, *, config, training, rng=None, ops=READABLE):
    (seen, running), see_cache = see_forward(images, running, params, config=config, training=training, rng=rng, ops=ops)
    leaves, leaf_caches = [], []
    for leaf in seen:
        if leaf is None:
            leaves.append(None)
            leaf_caches.append(None)
        else:
            out, c = ops.embedding.forward(which, leaf)
            leaves.append(out)
            leaf_caches.append(c)
    mine = Seen(*leaves)
    words, emb_cache = ops.embedding.forward(inputs, params.words)
    words, drop1_cache = ops.dropout.forward(words, p=config.drop_words, training=training, rng=rng)
    M = inputs.shape[0]
    state, begin_cache = begin_forward(mine, M, params, config=config, ops=ops)
    (says, states, where), tell_cache = tell_forward(words, state, mine, params, config=config, ops=ops)
    says, drop2_cache = ops.dropout.forward(says, p=config.drop_words, training=training, rng=rng)
    logits, out_cache = ops.affine.forward(says, params.out)
    loss, loss_cache = ops.cross_entropy.forward(logits, targets, mask)
    cache = (see_cache, leaf_caches, emb_cache, drop1_cache, begin_cache, tell_cache, drop2_cache, out_cache, loss_cache)
    return (loss, running), cache
"""
)

PLAIN_CAPTIONER1_2 = (
    HEAD_CAPTIONER1
    + """
def captioner_forward(images, which, inputs, targets, mask, running, params, *, config, training, rng=None, ops=READABLE):
    (seen, running), see_cache = see_forward(images, running, params, config=config, training=training, rng=rng, ops=ops)
    mine = Seen(*[None if leaf is None else ops.embedding.forward(which, leaf)[0] for leaf in seen])
    words, emb_cache = ops.embedding.forward(inputs, params.words)
    words, drop1 = ops.dropout.forward(words, p=config.drop_words, training=training, rng=rng)
    state, begin_cache = begin_forward(mine, inputs.shape[0], params, config=config, ops=ops)
    (says, states, where), tell_cache = tell_forward(words, state, mine, params, config=config, ops=ops)
    says, drop2 = ops.dropout.forward(says, p=config.drop_words, training=training, rng=rng)
    logits, out_cache = ops.affine.forward(says, params.out)
    loss, loss_cache = ops.cross_entropy.forward(logits, targets, mask)
    return (loss, running), (see_cache, emb_cache, drop1, begin_cache, tell_cache, drop2, out_cache, loss_cache)
"""
)

PLAIN_CAPTIONER1_3 = (
    HEAD_CAPTIONER1
    + """
def captioner_forward(images, which, inputs, targets, mask, running, params, *, config, training, rng=None, ops=READABLE):
    (seen, running), see_cache = see_forward(images, running, params, config=config, training=training, rng=rng, ops=ops)
    mine = Seen(*[None if leaf is None else ops.embedding.forward(which, leaf)[0] for leaf in seen])
    words, emb_cache = ops.embedding.forward(inputs, params.words)
    words, drop1 = ops.dropout.forward(words, p=config.drop_words, training=training, rng=rng)
    state, begin_cache = begin_forward(mine, inputs.shape[0], params, config=config, ops=ops)
    (says, states, where), tell_cache = tell_forward(words, state, mine, params, config=config, ops=ops)
    says, drop2 = ops.dropout.forward(says, p=config.drop_words, training=training, rng=rng)
    logits, out_cache = ops.affine.forward(says, params.out)
    loss, loss_cache = ops.cross_entropy.forward(logits, targets, mask)
    return (loss, running), (see_cache, emb_cache, drop1, begin_cache, tell_cache, drop2, out_cache, loss_cache)
"""
)

HEAD_CAPTIONER2 = """
import numpy as np
from minirnn.models.captioner_params import CaptionerParams
from minirnn.models.captioner_parts import Seen, begin_backward, begin_forward, see_backward, see_forward, tell_backward, tell_forward
from minirnn.ops import READABLE
from minirnn.tree import tree_add
"""

PLAIN_CAPTIONER2_1 = (
    HEAD_CAPTIONER2
    + """
def captioner_backward(dout, cache):
    caches, ops, fields = cache
    see, picked, embedding, drop_words, begin, tell, drop_says, out, cross_entropy = caches
    dloss, _ = dout
    dlogits = ops.cross_entropy.backward(dloss, cross_entropy)[0]
    dsays, dout_params = ops.affine.backward(dlogits, out)
    dsays = ops.dropout.backward(dsays, drop_says)[0]
    dwords, dstate, dmine, tell_grads = tell_backward(dsays, tell)
    dvector, begin_grads = begin_backward(dstate, begin)
    dmine = Seen(tree_add(dmine.vector, dvector), dmine.keys, dmine.values)
    dwords = ops.dropout.backward(dwords, drop_words)[0]
    dtable = ops.embedding.backward(dwords, embedding)[1]
    parts = []
    for d, pick in zip(dmine, picked):
        if pick is None:
            parts.append(None)
        else:
            parts.append(ops.embedding.backward(d, pick[1])[1])
    dseen = Seen(*parts)
    see_grads = see_backward(dseen, see)
    grads = {name: None for name in fields}
    grads["out"] = dout_params
    grads["words"] = dtable
    grads.update(tell_grads)
    grads.update(begin_grads)
    grads.update(see_grads)
    return (None,) * 6 + (CaptionerParams(**grads),)
"""
)

PLAIN_CAPTIONER2_2 = (
    HEAD_CAPTIONER2
    + """
def captioner_backward(dout, cache):
    caches, ops, fields = cache
    see, picked, embedding, drop_words, begin, tell, drop_says, out, cross_entropy = caches
    g = {}
    dlogits = ops.cross_entropy.backward(dout[0], cross_entropy)[0]
    dsays, g["out"] = ops.affine.backward(dlogits, out)
    dsays = ops.dropout.backward(dsays, drop_says)[0]
    dwords, dstate, dmine, gtell = tell_backward(dsays, tell)
    g.update(gtell)
    dvector, gbegin = begin_backward(dstate, begin)
    g.update(gbegin)
    dmine = tree_add(dmine, Seen(dvector, None, None))
    dwords = ops.dropout.backward(dwords, drop_words)[0]
    g["words"] = ops.embedding.backward(dwords, embedding)[1]
    dseen = Seen(*(None if p is None else ops.embedding.backward(d, p[1])[1] for d, p in zip(dmine, picked)))
    g.update(see_backward(dseen, see))
    grads = CaptionerParams(*(g.get(name) for name in fields))
    return None, None, None, None, None, None, grads
"""
)

PLAIN_CAPTIONER2_3 = (
    HEAD_CAPTIONER2
    + """
def captioner_backward(dout, cache):
    caches, ops, fields = cache
    see, picked, embedding, drop_words, begin, tell, drop_says, out, cross_entropy = caches
    g = {}
    dlogits = ops.cross_entropy.backward(dout[0], cross_entropy)[0]
    dsays, g["out"] = ops.affine.backward(dlogits, out)
    dsays = ops.dropout.backward(dsays, drop_says)[0]
    dwords, dstate, dmine, gtell = tell_backward(dsays, tell)
    g.update(gtell)
    dvector, gbegin = begin_backward(dstate, begin)
    g.update(gbegin)
    dmine = tree_add(dmine, Seen(dvector, None, None))
    dwords = ops.dropout.backward(dwords, drop_words)[0]
    g["words"] = ops.embedding.backward(dwords, embedding)[1]
    dseen = Seen(*(None if p is None else ops.embedding.backward(d, p[1])[1] for d, p in zip(dmine, picked)))
    g.update(see_backward(dseen, see))
    grads = CaptionerParams(*(g.get(name) for name in fields))
    return None, None, None, None, None, None, grads
"""
)

PLAIN_CAPTIONER2_4 = (
    HEAD_CAPTIONER2
    + """
def captioner_backward(dout, cache):
    caches, ops, fields = cache
    see, picked, embedding, drop_words, begin, tell, drop_says, out, cross_entropy = caches
    g = dict.fromkeys(fields)
    dlogits = ops.cross_entropy.backward(dout[0], cross_entropy)[0]
    dsays, g["out"] = ops.affine.backward(dlogits, out)
    dsays = ops.dropout.backward(dsays, drop_says)[0]
    dwords, dstate, dmine, gtell = tell_backward(dsays, tell)
    dvector, gbegin = begin_backward(dstate, begin)
    dmine = tree_add(dmine, Seen(dvector, None, None))
    dwords = ops.dropout.backward(dwords, drop_words)[0]
    g["words"] = ops.embedding.backward(dwords, embedding)[1]
    dseen = Seen(*(None if p is None else ops.embedding.backward(d, p[1])[1] for d, p in zip(dmine, picked)))
    gsee = see_backward(dseen, see)
    g = {**g, **gtell, **gbegin, **gsee}
    return None, None, None, None, None, None, CaptionerParams(**g)
"""
)

HEAD_GREEDY1 = """
import numpy as np
from minirnn.decode import Hypothesis, Keep, Step
from minirnn.tree import tree_map
"""

BATCH_GREEDY1_1 = (
    HEAD_GREEDY1
    + """
def greedy(step, state, n, *, start=1, end=2, max_length=20, never=(0, 1), keep=None):
    words = np.full(n, start)
    out = [[] for _ in range(n)]
    scores = [0.0] * n
    done = [False] * n
    for _ in range(max_length):
        if all(done):
            break
        logp, state = step(words, state)
        logp = np.array(logp)
        for w in never:
            logp[:, w] = -np.inf
        words = np.argmax(logp, axis=1)
        for i in range(n):
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

ROWS_GREEDY1_1 = (
    HEAD_GREEDY1
    + """
def greedy(step, state, n, *, start=1, end=2, max_length=20, never=(0, 1), keep=None):
    def one(i):
        s = tree_map(lambda leaf: leaf[i:i + 1], state)
        word, words, total = start, [], 0.0
        while len(words) < max_length:
            logp, s = step(np.array([word]), s)
            row = [(-float("inf") if v in never else float(p)) for v, p in enumerate(logp[0])]
            word = max(range(len(row)), key=lambda v: row[v])
            total += row[word]
            if word == end:
                return Hypothesis(words, total, True, [])
            words.append(word)
        return Hypothesis(words, total, False, [])
    return [one(i) for i in range(n)]
"""
)

BATCH_GREEDY1_2 = (
    HEAD_GREEDY1
    + """
def greedy(step, state, n, *, start=1, end=2, max_length=20, never=(0, 1), keep=None):
    last = np.array([start] * n)
    out, scores, done = [[] for _ in range(n)], [0.0] * n, [False] * n
    for t in range(max_length):
        logp, state = step(last, state)
        masked = logp.copy()
        masked[:, list(never)] = -np.inf
        last = masked.argmax(axis=1)
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

BATCH_GREEDY1_3 = (
    HEAD_GREEDY1
    + """
def greedy(step, state, n, *, start=1, end=2, max_length=20, never=(0, 1), keep=None):
    last = np.array([start] * n)
    out, scores, done = [[] for _ in range(n)], [0.0] * n, [False] * n
    for t in range(max_length):
        logp, state = step(last, state)
        masked = logp.copy()
        masked[:, list(never)] = -np.inf
        last = masked.argmax(axis=1)
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

WRONG = {
    "captioner1": [
        # dropout on what it says forgotten
        (
            "no-says-dropout",
            changed(
                PLAIN_CAPTIONER1_1,
                (
                    """    says, drop2_cache = ops.dropout.forward(says, p=config.drop_words, training=training, rng=rng)
""",
                    """    drop2_cache = None
""",
                ),
            ),
        ),
        # which not used: the seen pictures taken as they are
        (
            ("which-ignored", "which-ignored-2"),
            HEAD_CAPTIONER1
            + """
def captioner_forward(images, which, inputs, targets, mask, running, params, *, config, training, rng=None, ops=READABLE):
    caches = []
    (seen, running), c = see_forward(images, running, params, config=config, training=training, rng=rng, ops=ops)
    caches.append(c)
    words, c = ops.embedding.forward(inputs, params.words)
    caches.append(c)
    words, c = ops.dropout.forward(words, p=config.drop_words, training=training, rng=rng)
    caches.append(c)
    state, c = begin_forward(seen, len(inputs), params, config=config, ops=ops)
    caches.append(c)
    (says, _, _), c = tell_forward(words, state, seen, params, config=config, ops=ops)
    caches.append(c)
    says, c = ops.dropout.forward(says, p=config.drop_words, training=training, rng=rng)
    caches.append(c)
    logits, c = ops.affine.forward(says, params.out)
    caches.append(c)
    loss, c = ops.cross_entropy.forward(logits, targets, mask)
    caches.append(c)
    return (loss, running), caches
""",
        ),
        # mask not passed on
        (
            "no-mask",
            HEAD_CAPTIONER1
            + """
def captioner_forward(images, which, inputs, targets, mask, running, params, *, config, training, rng=None, ops=READABLE):
    drop = dict(p=config.drop_words, training=training, rng=rng)
    (seen, running), see = see_forward(images, running, params, config=config, training=training, rng=rng, ops=ops)
    mine = Seen(*[None if s is None else ops.embedding.forward(which, s)[0] for s in seen])
    words, emb = ops.embedding.forward(inputs, params.words)
    words, d1 = ops.dropout.forward(words, **drop)
    state, begin = begin_forward(mine, len(inputs), params, config=config, ops=ops)
    (says, _, _), tell = tell_forward(words, state, mine, params, config=config, ops=ops)
    says, d2 = ops.dropout.forward(says, **drop)
    logits, out = ops.affine.forward(says, params.out)
    loss, ce = ops.cross_entropy.forward(logits, targets, None)
    return (loss, running), (see, emb, d1, begin, tell, d2, out, ce)
""",
        ),
        # reads the targets instead of the inputs
        (
            "reads-targets",
            changed(
                PLAIN_CAPTIONER1_1,
                (
                    """    words, emb_cache = ops.embedding.forward(inputs, params.words)
""",
                    """    words, emb_cache = ops.embedding.forward(targets, params.words)
""",
                ),
            ),
        ),
        # the running statistics returned are the old ones
        (
            "running-not-returned",
            changed(
                PLAIN_CAPTIONER1_1,
                (
                    """    (seen, running), see_cache = see_forward(images, running, params, config=config, training=training, rng=rng, ops=ops)
""",
                    """    (seen, new_running), see_cache = see_forward(images, running, params, config=config, training=training, rng=rng, ops=ops)
""",
                ),
            ),
        ),
        # returns the loss alone, not (loss, running)
        (
            "only-loss",
            HEAD_CAPTIONER1
            + """
def captioner_forward(images, which, inputs, targets, mask, running, params, *, config, training, rng=None, ops=READABLE):
    drop = dict(p=config.drop_words, training=training, rng=rng)
    (seen, running), see = see_forward(images, running, params, config=config, training=training, rng=rng, ops=ops)
    mine = Seen(*[None if s is None else ops.embedding.forward(which, s)[0] for s in seen])
    words, emb = ops.embedding.forward(inputs, params.words)
    words, d1 = ops.dropout.forward(words, **drop)
    state, begin = begin_forward(mine, len(inputs), params, config=config, ops=ops)
    (says, _, _), tell = tell_forward(words, state, mine, params, config=config, ops=ops)
    says, d2 = ops.dropout.forward(says, **drop)
    logits, out = ops.affine.forward(says, params.out)
    loss, ce = ops.cross_entropy.forward(logits, targets, mask)
    return loss, (see, emb, d1, begin, tell, d2, out, ce)
""",
        ),
        # dropout with the image's rate
        (
            ("wrong-dropout-rate", "wrong-dropout-rate-0", "wrong-dropout-rate-1"),
            changed(
                PLAIN_CAPTIONER1_1,
                (
                    """    words, drop1_cache = ops.dropout.forward(words, p=config.drop_words, training=training, rng=rng)
""",
                    """    words, drop1_cache = ops.dropout.forward(words, p=config.drop_image, training=training, rng=rng)
""",
                ),
            ),
        ),
        # only the vector is picked by which, keys and values stay those of the pictures
        (
            "which-for-vector-alone",
            changed(
                PLAIN_CAPTIONER1_1,
                (
                    """    mine = Seen(*leaves)
""",
                    """    mine = Seen(leaves[0], seen.keys, seen.values)
""",
                ),
            ),
        ),
        # keep probability given as dropout's p
        (
            ("keep-rate-0", "keep-rate-1", "keep-rate-2"),
            changed(
                PLAIN_CAPTIONER1_1,
                (
                    """    says, drop2_cache = ops.dropout.forward(says, p=config.drop_words, training=training, rng=rng)
""",
                    """    says, drop2_cache = ops.dropout.forward(says, p=1 - config.drop_words, training=training, rng=rng)
""",
                ),
            ),
        ),
        # the second dropout goes to the words
        (
            "no-says-dropout",
            changed(
                PLAIN_CAPTIONER1_2,
                (
                    """    says, drop2 = ops.dropout.forward(says, p=config.drop_words, training=training, rng=rng)
""",
                    """    words, drop2 = ops.dropout.forward(words, p=config.drop_words, training=training, rng=rng)
""",
                ),
            ),
        ),
        # the dropped words are thrown away (result kept under another name)
        (
            "no-word-dropout-2",
            changed(
                PLAIN_CAPTIONER1_2,
                (
                    """    words, drop1 = ops.dropout.forward(words, p=config.drop_words, training=training, rng=rng)
""",
                    """    dropped, drop1 = ops.dropout.forward(words, p=config.drop_words, training=training, rng=rng)
""",
                ),
            ),
        ),
        # training=True fixed in both dropouts
        (
            ("drops-in-evaluation", "drops-in-evaluation-0", "drops-in-evaluation-1"),
            changed(
                PLAIN_CAPTIONER1_2,
                (
                    """    words, drop1 = ops.dropout.forward(words, p=config.drop_words, training=training, rng=rng)
""",
                    """    words, drop1 = ops.dropout.forward(words, p=config.drop_words, training=True, rng=rng)
""",
                ),
                (
                    """    says, drop2 = ops.dropout.forward(says, p=config.drop_words, training=training, rng=rng)
""",
                    """    says, drop2 = ops.dropout.forward(says, p=config.drop_words, training=True, rng=rng)
""",
                ),
            ),
        ),
        # picked the other way: embedding.forward(leaf, which)
        (
            "arguments-exchanged",
            changed(
                PLAIN_CAPTIONER1_2,
                ("""ops.embedding.forward(which, leaf)[0]""", """ops.embedding.forward(leaf, which)[0]"""),
            ),
        ),
        # the words are looked up in params.out
        (
            "words-from-out",
            changed(
                PLAIN_CAPTIONER1_3,
                (
                    """    words, emb_cache = ops.embedding.forward(inputs, params.words)
""",
                    """    words, emb_cache = ops.embedding.forward(inputs, params.out.W.T)
""",
                ),
            ),
        ),
        # the picture is always seen as in evaluation, and the old running statistics returned
        (
            "sees-in-evaluation",
            changed(
                PLAIN_CAPTIONER1_3,
                (
                    """    (seen, running), see_cache = see_forward(images, running, params, config=config, training=training, rng=rng, ops=ops)
""",
                    """    (seen, _), see_cache = see_forward(images, running, params, config=config, training=False, rng=rng, ops=ops)
""",
                ),
            ),
        ),
        # the targets are multiplied by the mask
        (
            "targets-masked",
            changed(
                PLAIN_CAPTIONER1_3,
                (
                    """    loss, loss_cache = ops.cross_entropy.forward(logits, targets, mask)
""",
                    """    loss, loss_cache = ops.cross_entropy.forward(logits, targets * mask, None)
""",
                ),
            ),
        ),
    ],
    "captioner2": [
        # the state's share is forgotten: dvector of begin not added
        (
            ("begin-not-added", "begin-not-added-0", "begin-not-added-1"),
            changed(
                PLAIN_CAPTIONER2_1,
                (
                    """    dmine = Seen(tree_add(dmine.vector, dvector), dmine.keys, dmine.values)
""",
                    """""",
                ),
            ),
        ),
        # what the decoder read along the way is replaced by dvector
        (
            ("tell-replaced-00", "tell-replaced-01", "tell-replaced-10", "tell-replaced-11"),
            changed(
                PLAIN_CAPTIONER2_1,
                (
                    """    dmine = Seen(tree_add(dmine.vector, dvector), dmine.keys, dmine.values)
""",
                    """    dmine = Seen(dvector, dmine.keys, dmine.values)
""",
                ),
            ),
        ),
        # dropout on the words not undone
        (
            "word-dropout-skipped",
            changed(
                PLAIN_CAPTIONER2_1,
                (
                    """    dwords = ops.dropout.backward(dwords, drop_words)[0]
""",
                    """""",
                ),
            ),
        ),
        # the two dropout masks exchanged
        (
            ("dropouts-exchanged", "dropouts-exchanged-2", "dropouts-same", "dropouts-same-2"),
            HEAD_CAPTIONER2
            + """
def captioner_backward(dout, cache):
    caches, ops, fields = cache
    see, picked, embedding, drop_words, begin, tell, drop_says, out, cross_entropy = caches
    g = dict.fromkeys(fields)
    dz = ops.cross_entropy.backward(dout[0], cross_entropy)[0]
    ds, g["out"] = ops.affine.backward(dz, out)
    ds = ops.dropout.backward(ds, drop_words)[0]
    dw, dstate, dm, gt = tell_backward(ds, tell)
    dw = ops.dropout.backward(dw, drop_says)[0]
    g["words"] = ops.embedding.backward(dw, embedding)[1]
    dvec, gb = begin_backward(dstate, begin)
    dm = tree_add(dm, Seen(dvec, None, None))
    dseen = Seen(*[p if p is None else ops.embedding.backward(d, p[1])[1] for d, p in zip(dm, picked)])
    gs = see_backward(dseen, see)
    return (None,) * 6 + (CaptionerParams(**{**g, **gt, **gb, **gs}),)
""",
        ),
        # the fields that start as None win when the dicts are put together
        (
            "none-wins",
            HEAD_CAPTIONER2
            + """
def captioner_backward(dout, cache):
    caches, ops, fields = cache
    see, picked, embedding, drop_words, begin, tell, drop_says, out, cross_entropy = caches
    grads = {f: None for f in fields}
    dz, _, _ = ops.cross_entropy.backward(dout[0], cross_entropy)
    ds, grads["out"] = ops.affine.backward(dz, out)
    (ds,) = ops.dropout.backward(ds, drop_says)
    dw, dstate, dm, gt = tell_backward(ds, tell)
    dvec, gb = begin_backward(dstate, begin)
    dm = tree_add(dm, Seen(dvec, None, None))
    (dw,) = ops.dropout.backward(dw, drop_words)
    _, grads["words"] = ops.embedding.backward(dw, embedding)
    dseen = Seen(*[None if p is None else ops.embedding.backward(d, p[1])[1] for d, p in zip(dm, picked)])
    gs = see_backward(dseen, see)
    return None, None, None, None, None, None, CaptionerParams(**{**gt, **gb, **gs, **grads})
""",
        ),
        # the picking by which is not undone
        (
            "which-not-undone",
            changed(
                PLAIN_CAPTIONER2_1,
                (
                    """    dseen = Seen(*parts)
""",
                    """    dseen = dmine
""",
                ),
            ),
        ),
        # dloss is not used: as if it were 1
        (
            "dloss-ignored",
            changed(
                PLAIN_CAPTIONER2_1,
                (
                    """    dlogits = ops.cross_entropy.backward(dloss, cross_entropy)[0]
""",
                    """    dlogits = ops.cross_entropy.backward(1.0, cross_entropy)[0]
""",
                ),
            ),
        ),
        # returns the gradients alone, without the six None
        (
            "not-seven",
            changed(
                PLAIN_CAPTIONER2_1,
                (
                    """    return (None,) * 6 + (CaptionerParams(**grads),)
""",
                    """    return CaptionerParams(**grads)
""",
                ),
            ),
        ),
        # see_backward's gradients forgotten
        (
            "merge-missing-1",
            changed(
                PLAIN_CAPTIONER2_2,
                (
                    """    g.update(see_backward(dseen, see))
""",
                    """    see_backward(dseen, see)
""",
                ),
            ),
        ),
        # lines 3 and 4 undone in the wrong order
        (
            "word-dropout-skipped",
            changed(
                PLAIN_CAPTIONER2_2,
                (
                    """    dwords = ops.dropout.backward(dwords, drop_words)[0]
    g["words"] = ops.embedding.backward(dwords, embedding)[1]
""",
                    """    g["words"] = ops.embedding.backward(dwords, embedding)[1]
    dwords = ops.dropout.backward(dwords, drop_words)[0]
""",
                ),
            ),
        ),
        # the gradient of the words averaged over the captions
        (
            "averaged",
            changed(
                PLAIN_CAPTIONER2_2,
                (
                    """    g["words"] = ops.embedding.backward(dwords, embedding)[1]
""",
                    """    g["words"] = ops.embedding.backward(dwords, embedding)[1] / len(dwords)
""",
                ),
            ),
        ),
        # fields that nobody read are missing
        (
            "fields-missing",
            changed(
                PLAIN_CAPTIONER2_2,
                (
                    """    grads = CaptionerParams(*(g.get(name) for name in fields))
""",
                    """    grads = CaptionerParams(**g)
""",
                ),
            ),
        ),
        # begin_backward left out
        (
            ("begin-not-added", "begin-not-added-0", "begin-not-added-1"),
            changed(
                PLAIN_CAPTIONER2_3,
                (
                    """    dvector, gbegin = begin_backward(dstate, begin)
    g.update(gbegin)
""",
                    """    gbegin = {}
    dvector = None
""",
                ),
            ),
        ),
        # dropout on what it says undone twice
        (
            "says-dropout-twice",
            changed(
                PLAIN_CAPTIONER2_3,
                (
                    """    dsays, g["out"] = ops.affine.backward(dlogits, out)
    dsays = ops.dropout.backward(dsays, drop_says)[0]
""",
                    """    dsays, g["out"] = ops.affine.backward(dlogits, out)
    dsays = ops.dropout.backward(dsays, drop_says)[0]
    dsays = ops.dropout.backward(dsays, drop_says)[0]
""",
                ),
            ),
        ),
        # the gradient of the words doubled
        (
            "factor-2",
            changed(
                PLAIN_CAPTIONER2_3,
                (
                    """    g.update(see_backward(dseen, see))
""",
                    """    g.update(see_backward(dseen, see))
    g.update(gtell)
    g["words"] = g["words"] * 2
""",
                ),
            ),
        ),
        # dropout on what it says not undone
        (
            "says-dropout-skipped",
            changed(
                PLAIN_CAPTIONER2_4,
                (
                    """    dsays = ops.dropout.backward(dsays, drop_says)[0]
""",
                    """""",
                ),
            ),
        ),
        # tell_backward gets the gradient of the logits
        (
            "says-undone-late",
            changed(
                PLAIN_CAPTIONER2_4,
                (
                    """    dwords, dstate, dmine, gtell = tell_backward(dsays, tell)
""",
                    """    dwords, dstate, dmine, gtell = tell_backward(dlogits, tell)
""",
                ),
            ),
        ),
        # results of tell_backward unpacked in another order
        (
            ("tell-unpacked-1", "tell-unpacked-2", "tell-unpacked-3", "tell-unpacked-4", "tell-unpacked-5"),
            changed(
                PLAIN_CAPTIONER2_4,
                (
                    """    dwords, dstate, dmine, gtell = tell_backward(dsays, tell)
""",
                    """    dwords, dmine, dstate, gtell = tell_backward(dsays, tell)
""",
                ),
            ),
        ),
        # begin's gradients not merged
        (
            "begin-missing",
            changed(
                PLAIN_CAPTIONER2_4,
                (
                    """    g = {**g, **gtell, **gbegin, **gsee}
""",
                    """    g = {**g, **gtell, **gsee}
""",
                ),
            ),
        ),
    ],
    "greedy1": [
        # never not honoured
        (
            "never-allowed",
            changed(
                BATCH_GREEDY1_1,
                (
                    """        for w in never:
            logp[:, w] = -np.inf
""",
                    """""",
                ),
            ),
        ),
        # END's log-probability not in the score
        (
            "end-not-scored",
            changed(
                BATCH_GREEDY1_1,
                (
                    """            scores[i] += logp[i, words[i]]
            if words[i] == end:
                done[i] = True
            else:
                out[i].append(int(words[i]))
""",
                    """            if words[i] == end:
                done[i] = True
            else:
                out[i].append(int(words[i]))
                scores[i] += logp[i, words[i]]
""",
                ),
            ),
        ),
        # END stands among the words
        (
            "end-in-words",
            changed(
                BATCH_GREEDY1_1,
                (
                    """            if words[i] == end:
                done[i] = True
            else:
                out[i].append(int(words[i]))
""",
                    """            out[i].append(int(words[i]))
            if words[i] == end:
                done[i] = True
""",
                ),
            ),
        ),
        # goes on counting after END
        (
            "goes-on-after-end",
            HEAD_GREEDY1
            + """
def greedy(step, state, n, *, start=1, end=2, max_length=20, never=(0, 1), keep=None):
    words = np.full(n, start)
    sentences = [[] for _ in range(n)]
    score = np.zeros(n)
    finished = np.zeros(n, dtype=bool)
    for _ in range(max_length):
        logp, state = step(words, state)
        logp[:, list(never)] = -np.inf
        words = logp.argmax(axis=1)
        score += logp[np.arange(n), words]
        finished |= words == end
        for i in range(n):
            if not finished[i]:
                sentences[i].append(int(words[i]))
        if finished.all():
            break
    return [Hypothesis(sentences[i], float(score[i]), bool(finished[i]), []) for i in range(n)]
""",
        ),
        # the new state is thrown away
        (
            "state-not-carried",
            HEAD_GREEDY1
            + """
def greedy(step, state, n, *, start=1, end=2, max_length=20, never=(0, 1), keep=None):
    words = np.full(n, start)
    text, total, over = [[] for _ in range(n)], [0.0] * n, [False] * n
    for _ in range(max_length):
        logp, _ = step(words, state)
        logp[:, list(never)] = -np.inf
        words = logp.argmax(axis=1)
        for i, w in enumerate(words):
            if not over[i]:
                total[i] += float(logp[i, w])
                if w == end:
                    over[i] = True
                else:
                    text[i].append(int(w))
    return [Hypothesis(t, s, f, []) for t, s, f in zip(text, total, over)]
""",
        ),
        # one word too few: START is counted
        (
            "one-too-few",
            changed(
                ROWS_GREEDY1_1,
                (
                    """        word, words, total = start, [], 0.0
        while len(words) < max_length:
""",
                    """        word, words, total = start, [], 0.0
        while len(words) + 1 < max_length:
""",
                ),
            ),
        ),
        # START fed at every step
        (
            "start-again",
            HEAD_GREEDY1
            + """
def greedy(step, state, n, *, start=1, end=2, max_length=20, never=(0, 1), keep=None):
    words = np.full(n, start)
    out, scores, fin = [[] for _ in range(n)], np.zeros(n), [False] * n
    for _ in range(max_length):
        logp, state = step(words, state)
        logp[:, list(never)] = -np.inf
        best = logp.argmax(axis=1)
        for i in range(n):
            if fin[i]:
                continue
            scores[i] += logp[i, best[i]]
            if best[i] == end:
                fin[i] = True
            else:
                out[i].append(int(best[i]))
    return [Hypothesis(out[i], float(scores[i]), fin[i], []) for i in range(n)]
""",
        ),
        # probabilities renormalised without the never words, score of those
        (
            "renormalised",
            changed(
                BATCH_GREEDY1_1,
                (
                    """        words = np.argmax(logp, axis=1)
""",
                    """        logp = logp - np.log(np.exp(logp).sum(axis=1, keepdims=True))
        words = np.argmax(logp, axis=1)
""",
                ),
            ),
        ),
        # stops the whole batch when the first sentence has ended
        (
            "stops-with-first",
            changed(
                BATCH_GREEDY1_2,
                (
                    """            if w == end:
                done[i] = True
            else:
                out[i].append(w)
""",
                    """            if w == end:
                done[i] = True
            else:
                out[i].append(w)
        if any(done):
            break
""",
                ),
            ),
        ),
        # score of each word from the wrong row: logp[0]
        (
            "first-row",
            changed(
                BATCH_GREEDY1_2,
                (
                    """            scores[i] += float(logp[i, w])
""",
                    """            scores[i] += float(logp[0, w])
""",
                ),
            ),
        ),
        # one list shared by all sentences
        (
            "one-list",
            HEAD_GREEDY1
            + """
def greedy(step, state, n, *, start=1, end=2, max_length=20, never=(0, 1), keep=None):
    last = np.array([start] * n)
    out, scores, done = [[]] * n, [0.0] * n, [False] * n
    for t in range(max_length):
        logp, state = step(last, state)
        masked = logp.copy()
        masked[:, list(never)] = -np.inf
        last = masked.argmax(axis=1)
        for i in range(n):
            if not done[i]:
                w = int(last[i])
                scores[i] += float(logp[i, w])
                if w == end:
                    done[i] = True
                else:
                    out[i].append(w)
    return [Hypothesis(out[i], scores[i], done[i], []) for i in range(n)]
""",
        ),
        # never set to 0 instead of -inf
        (
            "never-allowed",
            changed(
                BATCH_GREEDY1_2,
                (
                    """        masked[:, list(never)] = -np.inf
""",
                    """        masked[:, list(never)] = 0
""",
                ),
            ),
        ),
        # the largest taken over the batch
        (
            ("largest-over-batch", "largest-over-batch-2", "largest-over-batch-3", "largest-over-batch-4"),
            changed(
                BATCH_GREEDY1_3,
                (
                    """        last = masked.argmax(axis=1)
""",
                    """        last = masked.argmax(axis=0)[:n]
""",
                ),
            ),
        ),
        # forgets the score of the first word
        (
            "first-not-scored",
            changed(
                BATCH_GREEDY1_3,
                (
                    """            scores[i] += float(logp[i, w])
""",
                    """            if t > 0:
                scores[i] += float(logp[i, w])
""",
                ),
            ),
        ),
        # END ruled out as the first word
        (
            "end-not-first",
            changed(
                BATCH_GREEDY1_3,
                (
                    """        masked[:, list(never)] = -np.inf
""",
                    """        masked[:, list(never)] = -np.inf
        if t == 0:
            masked[:, end] = -np.inf
""",
                ),
            ),
        ),
    ],
}

RIGHT = {
    "captioner1": [
        # line by line
        PLAIN_CAPTIONER1_1,
        # helper functions, the rows picked by indexing, a dict as cache
        HEAD_CAPTIONER1
        + """
def _rows(leaf, which):
    return None if leaf is None else leaf[which]

def captioner_forward(images, which, inputs, targets, mask, running, params, *, config, training, rng=None, ops=READABLE):
    kept = {}
    drop = lambda a: ops.dropout.forward(a, p=config.drop_words, training=training, rng=rng)
    (seen, new_running), kept["see"] = see_forward(
        images, running, params, config=config, training=training, rng=rng, ops=ops)
    mine = Seen(_rows(seen.vector, which), _rows(seen.keys, which), _rows(seen.values, which))
    vectors, kept["words"] = ops.embedding.forward(inputs, params.words)
    vectors, kept["drop"] = drop(vectors)
    first, kept["begin"] = begin_forward(mine, len(which), params, config=config, ops=ops)
    told, kept["tell"] = tell_forward(vectors, first, mine, params, config=config, ops=ops)
    h, kept["drop2"] = drop(told[0])
    logits, kept["out"] = ops.affine.forward(h, params.out)
    loss, kept["loss"] = ops.cross_entropy.forward(logits, targets, mask)
    return (loss, new_running), kept
""",
        # one by one, the picture state before the words
        HEAD_CAPTIONER1
        + """
def captioner_forward(images, which, inputs, targets, mask, running, params, *, config, training, rng=None, ops=READABLE):
    p = params
    common = dict(config=config, ops=ops)
    looked, c1 = see_forward(images, running, p, training=training, rng=rng, **common)
    seen, running2 = looked
    picked = {f: ops.embedding.forward(which, getattr(seen, f)) for f in seen._fields if getattr(seen, f) is not None}
    mine = Seen(**{f: picked[f][0] if f in picked else None for f in seen._fields})
    state, c5 = begin_forward(mine, inputs.shape[0], p, **common)
    words = p.words[inputs]
    words, c4 = ops.dropout.forward(words, p=config.drop_words, training=training, rng=rng)
    (says, _, _), c6 = tell_forward(words, state, mine, p, **common)
    says, c7 = ops.dropout.forward(says, p=config.drop_words, training=training, rng=rng)
    logits = says @ p.out.W + p.out.b
    loss, c9 = ops.cross_entropy.forward(logits, targets, mask)
    return (loss, running2), [c1, picked, c4, c5, c6, c7, c9]
""",
        # np.take
        changed(
            PLAIN_CAPTIONER1_2,
            (
                """    words, emb_cache = ops.embedding.forward(inputs, params.words)
""",
                """    words, emb_cache = np.take(params.words, inputs, axis=0), inputs
""",
            ),
        ),
    ],
    "captioner2": [
        # line by line
        PLAIN_CAPTIONER2_1,
        # _replace, np.add.at for the picking
        HEAD_CAPTIONER2
        + """
def captioner_backward(dout, cache):
    caches, ops, fields = cache
    see, picked, embedding, drop_words, begin, tell, drop_says, out, cross_entropy = caches
    empty = CaptionerParams(*[None] * len(fields))
    dlogits, _, _ = ops.cross_entropy.backward(dout[0], cross_entropy)
    d, dW = ops.affine.backward(dlogits, out)
    grads = empty._replace(out=dW)
    (d,) = ops.dropout.backward(d, drop_says)
    dwords, dstate, dseen, more = tell_backward(d, tell)
    grads = grads._replace(**more)
    dv, more = begin_backward(dstate, begin)
    grads = grads._replace(**more)
    dseen = tree_add(Seen(dv, None, None), dseen)
    (dwords,) = ops.dropout.backward(dwords, drop_words)
    nothing, dtable = ops.embedding.backward(dwords, embedding)
    grads = grads._replace(words=dtable)
    back = {}
    for name, g, pick in zip(Seen._fields, dseen, picked):
        back[name] = ops.embedding.backward(g, pick[1])[1] if pick is not None else None
    grads = grads._replace(**see_backward(Seen(**back), see))
    return None, None, None, None, None, None, grads
""",
        # another order of the independent lines, sum instead of tree_add
        HEAD_CAPTIONER2
        + """
def captioner_backward(dout, cache):
    (see, picked, embedding, drop_words, begin, tell, drop_says, out, cross_entropy), ops, fields = cache
    g = dict.fromkeys(fields)
    dz = ops.cross_entropy.backward(dout[0], cross_entropy)[0]
    ds, g["out"] = ops.affine.backward(dz, out)
    ds = ops.dropout.backward(ds, drop_says)[0]
    dw, dstate, dm, gt = tell_backward(ds, tell)
    dw = ops.dropout.backward(dw, drop_words)[0]
    g["words"] = ops.embedding.backward(dw, embedding)[1]
    dvec, gb = begin_backward(dstate, begin)
    total = dm.vector
    if dvec is not None:
        total = dvec if total is None else total + dvec
    dm = dm._replace(vector=total)
    dseen = Seen(*[p if p is None else ops.embedding.backward(d, p[1])[1] for d, p in zip(dm, picked)])
    gs = see_backward(dseen, see)
    for some in (gt, gb, gs):
        for k, v in some.items():
            g[k] = v
    return tuple([None] * 6 + [CaptionerParams(**g)])
""",
        # own forward and own cache
        HEAD_CAPTIONER2
        + """
def captioner_forward(images, which, inputs, targets, mask, running, params, *, config, training, rng=None, ops=READABLE):
    tape = {}
    drop = dict(p=config.drop_words, training=training, rng=rng)
    (seen, running), tape["see"] = see_forward(images, running, params, config=config, training=training, rng=rng, ops=ops)
    pairs = [None if s is None else ops.embedding.forward(which, s) for s in seen]
    mine = Seen(*[None if p is None else p[0] for p in pairs])
    tape["pick"] = [None if p is None else p[1] for p in pairs]
    words, tape["emb"] = ops.embedding.forward(inputs, params.words)
    words, tape["drop1"] = ops.dropout.forward(words, **drop)
    state, tape["begin"] = begin_forward(mine, len(inputs), params, config=config, ops=ops)
    (says, _, _), tape["tell"] = tell_forward(words, state, mine, params, config=config, ops=ops)
    says, tape["drop2"] = ops.dropout.forward(says, **drop)
    logits, tape["out"] = ops.affine.forward(says, params.out)
    loss, tape["loss"] = ops.cross_entropy.forward(logits, targets, mask)
    return (loss, running), (tape, ops)

def captioner_backward(dout, cache):
    tape, ops = cache
    d = ops.cross_entropy.backward(dout[0], tape["loss"])[0]
    d, dout_layer = ops.affine.backward(d, tape["out"])
    (d,) = ops.dropout.backward(d, tape["drop2"])
    dwords, dstate, dmine, g1 = tell_backward(d, tape["tell"])
    dvector, g2 = begin_backward(dstate, tape["begin"])
    dmine = tree_add(dmine, Seen(dvector, None, None))
    (dwords,) = ops.dropout.backward(dwords, tape["drop1"])
    dtable = ops.embedding.backward(dwords, tape["emb"])[1]
    dseen = Seen(*[None if c is None else ops.embedding.backward(x, c)[1] for x, c in zip(dmine, tape["pick"])])
    g3 = see_backward(dseen, tape["see"])
    every = {**g1, **g2, **g3, "words": dtable, "out": dout_layer}
    return None, None, None, None, None, None, CaptionerParams(*[every.get(f) for f in CaptionerParams._fields])
""",
        # helper functions
        HEAD_CAPTIONER2
        + """
def _undo_pick(dmine, picked, ops):
    def one(d, pick):
        if pick is None or d is None:
            return None
        _, dtable = ops.embedding.backward(d, pick[1])
        return dtable
    return Seen(one(dmine.vector, picked[0]), one(dmine.keys, picked[1]), one(dmine.values, picked[2]))

def captioner_backward(dout, cache):
    caches, ops, fields = cache
    c1, c2, c3, c4, c5, c6, c7, c8, c9 = caches
    d = dout[0]
    d, *_ = ops.cross_entropy.backward(d, c9)
    d, g_out = ops.affine.backward(d, c8)
    d, = ops.dropout.backward(d, c7)
    dw, ds, dm, g_tell = tell_backward(d, c6)
    dv, g_begin = begin_backward(ds, c5)
    dw, = ops.dropout.backward(dw, c4)
    *_, g_words = ops.embedding.backward(dw, c3)
    dm = tree_add(Seen(dv, None, None), dm)
    g_see = see_backward(_undo_pick(dm, c2, ops), c1)
    found = {"out": g_out, "words": g_words} | g_tell | g_begin | g_see
    return *([None] * 6), CaptionerParams(**{f: found.get(f) for f in fields})
""",
        # three times the gradient, divided by three at the end: other rounding
        HEAD_CAPTIONER2
        + """
from minirnn.tree import tree_map

def captioner_backward(dout, cache):
    caches, ops, fields = cache
    see, picked, embedding, drop_words, begin, tell, drop_says, out, cross_entropy = caches
    found = {f: None for f in fields}
    d = ops.cross_entropy.backward(3 * dout[0], cross_entropy)[0]
    d, found["out"] = ops.affine.backward(d, out)
    d = ops.dropout.backward(d, drop_says)[0]
    dw, dstate, dm, more = tell_backward(d, tell)
    found.update(more)
    dv, more = begin_backward(dstate, begin)
    found.update(more)
    found["words"] = ops.embedding.backward(ops.dropout.backward(dw, drop_words)[0], embedding)[1]
    dm = dm._replace(vector=tree_add(dm.vector, dv))
    found.update(see_backward(Seen(*(p and ops.embedding.backward(g, p[1])[1] for g, p in zip(dm, picked))), see))
    third = tree_map(lambda g: (g / 3).astype(g.dtype), CaptionerParams(**found))
    return None, None, None, None, None, None, third
""",
    ],
    "greedy1": [
        # whole batch all the time, a done flag
        BATCH_GREEDY1_1,
        # one sequence after the other
        ROWS_GREEDY1_1,
        # matrices of words, cut at END afterwards
        HEAD_GREEDY1
        + """
def greedy(step, state, n, *, start=1, end=2, max_length=20, never=(0, 1), keep=None):
    if n == 0:
        return []
    last = np.full((n,), start, dtype=np.int64)
    said, gains = [], []
    allowed = None
    for t in range(max_length):
        logp, state = step(last, state)
        if allowed is None:
            allowed = np.ones(logp.shape[1], bool)
            allowed[list(never)] = False
        last = np.where(allowed, logp, -np.inf).argmax(axis=1)
        said.append(last)
        gains.append(np.take_along_axis(logp, last[:, None], axis=1)[:, 0])
    said, gains = np.stack(said, 1), np.stack(gains, 1)
    result = []
    for row, gain in zip(said, gains):
        hits = np.flatnonzero(row == end)
        if len(hits):
            result.append(Hypothesis(row[:hits[0]].tolist(), float(gain[:hits[0] + 1].sum()), True, []))
        else:
            result.append(Hypothesis(row.tolist(), float(gain.sum()), False, []))
    return result
""",
        # rows leave the batch
        HEAD_GREEDY1
        + """
def greedy(step, state, n, *, start=1, end=2, max_length=20, never=(0, 1), keep=None):
    hyps = [Hypothesis([], 0.0, False, []) for _ in range(n)]
    live = np.arange(n)
    words = np.full(n, start)
    for _ in range(max_length):
        if len(live) == 0:
            break
        logp, state = step(words, state)
        logp = logp.copy()
        logp[:, list(never)] = -1e30
        words = logp.argmax(1)
        best = logp.max(1)
        for r, i in enumerate(live):
            h = hyps[i]
            if words[r] == end:
                hyps[i] = h._replace(score=h.score + best[r], finished=True)
            else:
                hyps[i] = Hypothesis(h.words + [words[r]], h.score + best[r], False, [])
        go = words != end
        live, words, state = live[go], words[go], tree_map(lambda a: a[go], state)
    return hyps
""",
        # sorted scores, running a while loop with sets
        HEAD_GREEDY1
        + """
def greedy(step, state, n, *, start=1, end=2, max_length=20, never=(0, 1), keep=None):
    sentences = {i: ([], 0.0) for i in range(n)}
    finished = set()
    words = np.array([start] * n)
    length = 0
    while length < max_length and len(finished) < n:
        logp, state = step(words, state)
        nxt = []
        for i in range(n):
            order = sorted((w for w in range(logp.shape[1]) if w not in never), key=lambda w: (-logp[i, w], w))
            w = order[0]
            nxt.append(w)
            if i not in finished:
                text, score = sentences[i]
                if w == end:
                    finished.add(i)
                    sentences[i] = (text, score + logp[i, w])
                else:
                    sentences[i] = (text + [w], score + logp[i, w])
        words = np.array(nxt)
        length += 1
    return [Hypothesis(sentences[i][0], sentences[i][1], i in finished, []) for i in range(n)]
""",
        # max of a dict
        changed(
            BATCH_GREEDY1_2,
            (
                """        last = masked.argmax(axis=1)
""",
                """        last = np.array([max(range(masked.shape[1]), key=masked[r].__getitem__) for r in range(n)])
""",
            ),
        ),
    ],
}
