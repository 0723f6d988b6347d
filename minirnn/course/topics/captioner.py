"""Exercises of lesson 10: the captioner's wiring, forward and backward, and greedy decoding."""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.course.exercise import Exercise, Given, Mistake, Probe
from minirnn.course.given import Walk
from minirnn.course.topics.saying import examine_greedy
from minirnn.decode import greedy
from minirnn.models.captioner import captioner_backward, captioner_forward
from minirnn.models.captioner_params import CaptionerConfig, init_captioner
from minirnn.pair import Array
from minirnn.tree import tree_map

SIZES: dict[str, Any] = {
    "vocab": 7, "image_size": 8, "channels": (2, 3), "features": 4, "local": 3, "embed": 3, "hidden": 2, "attend": 1,
    "glance": 2,
}  # fmt: skip


def _wiring(
    rng: np.random.Generator, N: int, M: int, T: int, note: str, *, training: bool = True, **config: Any
) -> Probe:
    """A small captioner on pictures of 8x8, M captions for N pictures."""
    values = {**SIZES, **config}
    c = CaptionerConfig(**values)
    params, running = init_captioner(rng, c, np.float64)
    params = tree_map(lambda w: w + 0.4 * rng.standard_normal(w.shape), params)  # no bias is 0, no scale is 1
    running = tree_map(lambda r: np.abs(r + 0.3 * rng.standard_normal(r.shape)) + 0.2, running)
    which = rng.permutation(np.arange(M) % N)
    if M == N and N > 1:
        which = np.roll(np.arange(N), 1)
    words = rng.integers(0, c.vocab, (2, M, T))
    mask = np.arange(T) < rng.integers(1, T + 1, M)[:, None]
    mask[0], mask[-1, -1] = True, False
    mask[-1, 0] = True
    args = (rng.uniform(0, 1, (N, 8, 8, 3)), which, words[0], words[1], mask, running, params)
    options = {
        "config": Given("captioner_config", (values,)),
        "training": training,
        "rng": Given("rng", (int(rng.integers(99)),)),
    }
    return Probe(args, options, note, dout=(np.array(0.7), None))


def _wiring_probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    return (
        _wiring(rng, 2, 3, 4, "", image="first", cell="lstm"),
        _wiring(rng, 3, 3, 2, "the picture beside every word", image="every", cell="gru"),
        _wiring(rng, 2, 4, 3, "attention", image="attention", cell="rnn"),
        _wiring(rng, 2, 3, 3, "dropout", image="first", cell="gru", drop_words=0.4, drop_image=0.2),
        _wiring(rng, 2, 3, 3, "evaluation", image="first", cell="rnn", drop_words=0.5, drop_image=0.3, training=False),
        _wiring(rng, 2, 2, 3, "no picture", image="none", cell="lstm"),
    )


_DROPS = (
    "words, drop_words = ops.dropout.forward(words, **drop)",
    "says, drop_says = ops.dropout.forward(says, **drop)",
)
_WORDS = "words, embedding = ops.embedding.forward(inputs, p.words)"
_SEE = "    (seen, running), see = see_forward("

captioner1 = Exercise(
    name="captioner1",
    function="captioner_forward",
    folder="10_captioner",
    title="Wire the captioner, forward",
    truth=captioner_forward,
    probes=_wiring_probes,
    inputs={"images": "N S S C", "which": "M", "inputs": "M T", "targets": "M T", "mask": "M T"},
    outputs=(),
    names=("loss", "running"),
    cache=True,
    slot="tools.captioner.forward",
    hints=(
        "Which of the nine lines needs the result of which other? Draw the arrows before you write.",
        "Every line is one call, in the order of the list; each gives (what comes next, its cache). Give the new `running` "
        "that see_forward returns on to your own result.",
        "mine is a Seen of three: for each leaf of seen that is not None, ops.embedding.forward(which, leaf). Dropout comes "
        "twice, once on the word vectors and once on what the decoder says; keep all nine caches.",
    ),
    why="Nine lines, each a pair: what a picture shows, which caption sees which picture, the words as vectors, the state "
    "before the first word, the decoder through time, the logits, the loss. Teacher forcing gives the decoder the "
    "right words so far, so that all time steps are judged in one pass. The embedding with `which` lets a picture be "
    "encoded once for all its captions; backward its gradients add up, as those of a repeated word.",
    mistakes=(
        Mistake("reads-targets", "the decoder reads the targets, so it is shown the word that it should say; it reads `inputs`",
                (("ops.embedding.forward(inputs, p.words)", "ops.embedding.forward(targets, p.words)"),)),
        Mistake("judged-on-inputs", "the loss compares with `inputs`; the word to say at step t is targets[:, t]",
                (("forward(logits, targets, mask)", "forward(logits, inputs, mask)"),)),
        Mistake("no-mask", "the mask is not used, so padding counts in the loss", (("forward(logits, targets, mask)", "forward(logits, targets, None)"),)),
        Mistake("which-ignored", "every caption m sees picture m; which[m] says whose picture it is",
                (("else ops.embedding.forward(which, leaf)", "else ops.embedding.forward(np.arange(len(which)) % len(leaf), leaf)"),)),
        Mistake("running-not-returned", "the old running statistics are returned; see_forward gives the new ones",
                (("(seen, running), see", "(seen, _), see"),)),
        Mistake("no-word-dropout", "dropout on the word vectors is missing (line 4)",
                (("words, drop_words = ops.dropout.forward(words, **drop)", "drop_words = None"),)),
        Mistake("no-says-dropout", "dropout on what the decoder says (line 7) is missing, or its result is not used",
                (("says, drop_says = ops.dropout.forward(says, **drop)", "drop_says = None"),)),
        Mistake("no-dropout", "dropout never acts: lines 4 and 7 are missing, or `training` is not handed on to them",
                (("words, drop_words = ops.dropout.forward(words, **drop)", "drop_words = None"),
                 ("says, drop_says = ops.dropout.forward(says, **drop)", "drop_says = None"))),
        Mistake("drops-in-evaluation", "dropout is on in evaluation too; `training` says whether it is",
                (('"training": training, "rng": rng}', '"training": True, "rng": rng}'),)),
        Mistake("sees-in-training", "see_forward is always told that it is training; `training` must be handed on",
                (("config=config, training=training,", "config=config, training=True,"),)),
        Mistake("sees-in-evaluation", "see_forward is told that it is not training; `training` must be handed on",
                (("config=config, training=training,", "config=config, training=False,"),)),
        Mistake("wrong-dropout-rate", "dropout uses config.drop_image; words have a rate of their own, config.drop_words",
                (("{\"p\": config.drop_words", "{\"p\": config.drop_image"),)),
        Mistake("blind", "the decoder starts without the picture: begin_forward gets nothing of what was seen",
                (("begin = begin_forward(mine, len(inputs)", "begin = begin_forward(Seen(*(None if m is None else 0 * m for m in mine)), len(inputs)"),)),
        Mistake("sum-of-losses", "the loss is multiplied by the number of words; cross_entropy has taken the mean already",
                (("return (loss, running)", "return (loss * mask.sum(), running)"),)),
        Mistake("loss-per-caption", "the loss is per caption; it is per word that counts", (("return (loss, running)", "return (loss * mask.sum() / len(mask), running)"),)),
        Mistake("only-loss", "the running statistics are missing from the result: return (loss, running) and the cache",
                (("return (loss, running), (caches", "return loss, (caches"),)),
        Mistake("state-ignored", "the decoder does not start from begin_forward's state",
                (("tell = tell_forward(words, state,", "tell = tell_forward(words, state._replace(h=0 * state.h),"),)),
        Mistake("says-the-state", "the logits come from the decoder's state h; they come from what it says (with attention that is more than h)",
                (("(says, _, _), tell", "(_, states, _), tell"), ("    says, drop_says", "    says = states.h\n    says, drop_says"))),
        Mistake("tied", "logits = says @ words.T: tied weights are another model; here the affine map params.out is asked for",
                (("logits, out = ops.affine.forward(says, p.out)", "logits, out = np.pad(says, ((0, 0), (0, 0), (0, 9)))[..., :3] @ p.words.T, None"),), convention=True),
        Mistake("which-ignored-2", "every caption m sees picture m; which[m] says whose picture it is", (("    mine = Seen(*(None if pick is None else pick[0] for pick in picked))", "    mine = seen"),)),
        Mistake("which-for-vector-alone", "keys and values are those of the pictures; each caption's own are picked by `which`, as its vector is",
                (("    mine = Seen(*(None if pick is None else pick[0] for pick in picked))", "    mine = Seen(*(None if pick is None else pick[0] for pick in picked))._replace(keys=seen.keys, values=seen.values)"),)),
        Mistake("begins-with-seen", "begin_forward gets what the pictures show; it gets `mine`, a row for each caption", (("begin = begin_forward(mine,", "begin = begin_forward(seen,"),)),
        Mistake("tells-of-seen", "tell_forward gets what the pictures show; it gets `mine`, a row for each caption", (("tell = tell_forward(words, state, mine,", "tell = tell_forward(words, state, seen,"),)),
        Mistake("states-of-pictures", "begin_forward gets the number of pictures; it needs the number of captions", (("len(inputs), p", "len(images), p"),)),
        Mistake("states-of-words", "begin_forward gets the number of time steps; it needs the number of captions", (("len(inputs), p", "inputs.shape[1], p"),)),
        *(Mistake(f"wrong-dropout-rate-{k}", "dropout uses config.drop_image; words have a rate of their own, config.drop_words", ((_DROPS[k], _DROPS[k].replace("**drop", '**{**drop, "p": config.drop_image}')),)) for k in (0, 1)),
        *(Mistake(f"keep-rate-{k}", "dropout gets 1 - p; `p` is the probability to drop a value, config.drop_words", tuple((_DROPS[j], _DROPS[j].replace("**drop", '**{**drop, "p": 1 - config.drop_words}')) for j in js))
          for k, js in enumerate(((0,), (1,), (0, 1)))),
        *(Mistake(f"drops-in-evaluation-{k}", "dropout is on in evaluation too; `training` says whether it is", ((_DROPS[k], _DROPS[k].replace("**drop", '**{**drop, "training": True}')),)) for k in (0, 1)),
        *(Mistake(f"rng-missing-{k}", "dropout gets no generator to draw its masks from: hand rng on, to see_forward and to both dropouts", tuple((_DROPS[j], _DROPS[j].replace("**drop", '**{**drop, "rng": None}')) for j in js))
          for k, js in enumerate(((0,), (1,), (0, 1)))),
        Mistake("see-without-rng", "dropout gets no generator to draw its masks from: hand rng on, to see_forward and to both dropouts", (("training=training, rng=rng, ops=ops)", "training=training, ops=ops)"),)),
        Mistake("words-dropped-twice", "dropout acts twice on the word vectors, and not on what the decoder says", ((_DROPS[1], ""), (_DROPS[0], _DROPS[0] + "\n    " + _DROPS[0]), ("begin, tell, drop_says", "begin, tell, drop_words"))),
        Mistake("logits-dropped", "dropout (line 7) acts on the logits; it acts on what the decoder says, before line 8",
                (("    " + _DROPS[1] + "\n", ""), ("    logits, out = ops.affine.forward(says, p.out)\n", "    logits, out = ops.affine.forward(says, p.out)\n    logits, drop_says = ops.dropout.forward(logits, **drop)\n"))),
        Mistake("drop-order", "the words' dropout is drawn before the picture is seen: as good, but the same generator then gives other masks; keep the order of the lines",
                ((f"    {_WORDS}\n    {_DROPS[0]}\n", ""), (_SEE, f"    {_WORDS}\n    {_DROPS[0]}\n{_SEE}")), convention=True),
        Mistake("mask-inverted", "the mask is turned round: True is where a target counts", (("forward(logits, targets, mask)", "forward(logits, targets, ~mask)"),)),
        Mistake("inputs-targets-exchanged", "inputs and targets are exchanged: the decoder reads `inputs` and should say `targets`",
                (("ops.embedding.forward(inputs, p.words)", "ops.embedding.forward(targets, p.words)"), ("forward(logits, targets, mask)", "forward(logits, inputs, mask)"))),
        Mistake("tells-of-nothing", "the decoder sees nothing along the way: tell_forward gets `mine`", (("tell = tell_forward(words, state, mine,", "tell = tell_forward(words, state, Seen(*(None if m is None else 0 * m for m in mine)),"),)),
        Mistake("order", "the running statistics come first; the result is (loss, running)", (("return (loss, running)", "return (running, loss)"),)),
        Mistake("flat", "loss, running statistics and cache are three results; expected two: (loss, running) and the cache", (("return (loss, running), (caches", "return loss, running, (caches"),)),
        Mistake("loss-negative", "the sign of the loss is turned round; cross_entropy gives what is to become small", (("return (loss, running)", "return (-loss, running)"),)),
        Mistake("loss-over-steps", "the loss is divided once more; cross_entropy has taken the mean already", (("return (loss, running)", "return (loss / inputs.shape[1], running)"),)),
        Mistake("loss-over-captions", "the loss is divided once more; cross_entropy has taken the mean already", (("return (loss, running)", "return (loss / len(inputs), running)"),)),
        Mistake("first-word-only", "only the first word is judged; the logits of all time steps count", (("forward(logits, targets, mask)", "forward(logits[:, :1], targets[:, :1], mask[:, :1])"),)),
        Mistake("last-word-only", "only the last word is judged; the logits of all time steps count", (("forward(logits, targets, mask)", "forward(logits[:, -1:], targets[:, -1:], mask[:, -1:])"),)),
        Mistake("shifted", "the targets are shifted by one more step; they are shifted already: targets[:, t] follows inputs[:, t]",
                (("forward(logits, targets, mask)", "forward(logits[:, :-1], targets[:, 1:], mask[:, 1:])"),)),
        Mistake("softmax-twice", "the logits go through a log-softmax first; cross_entropy takes logits and does it itself", (("forward(logits, targets, mask)", "forward(ops.softmax.forward(logits)[0], targets, mask)"),)),
        Mistake("linear-only", "the bias of params.out is missing: use ops.affine", (("logits, out = ops.affine.forward(says, p.out)", "logits, out = says @ p.out.W, None"),)),
        Mistake("pair-kept", "a pair's forward returns two things, the result and a cache; here both are taken for the result", ((_WORDS, "words = embedding = ops.embedding.forward(inputs, p.words)"),)),
        Mistake("no-word-dropout-2", "the result of dropout on the word vectors (line 4) is not used", ((_DROPS[0], _DROPS[0].replace("words, drop", "_, drop")),)),
        Mistake("arguments-exchanged", "the arguments are exchanged: ops.embedding.forward(which, leaf), first what picks, then the table", (("else ops.embedding.forward(which, leaf)", "else ops.embedding.forward(leaf, which)"),)),
        Mistake("arguments-exchanged-2", "the arguments are exchanged: ops.embedding.forward(inputs, table), first what picks, then the table", (("embedding.forward(inputs, p.words)", "embedding.forward(p.words, inputs)"),)),
        Mistake("arguments-exchanged-3", "the arguments are exchanged: ops.affine.forward(says, params.out)", (("affine.forward(says, p.out)", "affine.forward(p.out, says)"),)),
        Mistake("arguments-exchanged-4", "the arguments are exchanged: ops.cross_entropy.forward(logits, targets, mask)", (("forward(logits, targets, mask)", "forward(targets, logits, mask)"),)),
        Mistake("targets-masked", "padding is set to word 0 in the targets instead of being masked: it still counts in the loss", (("forward(logits, targets, mask)", "forward(logits, targets * mask, None)"),)),
        Mistake("loss-masked-after", "the mean over all words is taken first and the mask applied to it afterwards: give the mask to cross_entropy", (("forward(logits, targets, mask)", "forward(logits, targets, None)"), ("return (loss, running)", "return (loss * mask.mean(), running)"))),
        Mistake("logits-masked", "the mask is multiplied with the logits: padding still counts in the loss; give the mask to cross_entropy", (("forward(logits, targets, mask)", "forward(logits * mask[..., None], targets, None)"),)),
        Mistake("seeded-inside", "a generator is made inside; dropout's masks are drawn from `rng`", (('"training": training, "rng": rng}', '"training": training, "rng": np.random.default_rng(0)}'),)),
        Mistake("seeded-inside-2", "a generator is made inside; dropout's masks are drawn from `rng`", (("    p = params\n", "    p = params\n    rng = np.random.default_rng(0)\n"),)),
        Mistake("words-from-out", "the words are looked up in the weights of params.out; their table is params.words", (("ops.embedding.forward(inputs, p.words)", "ops.embedding.forward(inputs, p.out.W.T)"),)),
    ),
)  # fmt: skip
_ADD = "    dmine = tree_add(dmine, Seen(dvector, None, None))\n"
_PICKED = (
    "    dseen = [None if pick is None else ops.embedding.backward(d, pick[1])[1] for d, pick in zip(dmine, picked)]\n"
)
_NONES: tuple[tuple[tuple[str, str], ...], ...] = (
    (),
    (("None if pick is None else", "None if pick is None or d is None else"),),
)

captioner2 = Exercise(
    name="captioner2",
    function="captioner_backward",
    folder="10_captioner",
    title="Wire the captioner, backward",
    truth=captioner_backward,
    truth_forward=captioner_forward,
    forward="captioner1",
    probes=_wiring_probes,
    inputs={"images": "N S S C", "which": "M", "inputs": "M T", "targets": "M T", "mask": "M T"},
    outputs=(),
    names=("dimages", "dwhich", "dinputs", "dtargets", "dmask", "drunning", "dparams"),
    slot="tools.captioner.backward",
    hints=(
        "Read your forward function from the last line to the first. Which line is undone first?",
        "Nine lines forward, nine lines back: each takes the gradient of what its line made and its cache, and gives the "
        "gradients of what its line read. Collect the parameters' gradients in a dict by field.",
        "Two things were read twice: the image vector, by begin and by tell, so their gradients add up (tree_add) before line "
        "(2) is undone; and each picture, by all its captions, which the embedding's backward adds up. tell, begin and see "
        "give dicts of gradients; merge them all into one CaptionerParams.",
    ),
    why="The mirror of the forward function: line (9) first, line (1) last. Where a value had two readers its two gradients "
    "are added, which happens once here (the picture at the start and along the way). Data get None, since nobody "
    "trains pictures or word numbers; parameters that this kind of captioner does not have get None as well.",
    mistakes=(
        Mistake("dloss-ignored", "dout is not used: the gradient starts from dout[0], not from 1",
                (("backward(dout[0], cross_entropy)", "backward(1.0, cross_entropy)"),)),
        Mistake("begin-not-added", "what flows back through the first state never reaches the picture: add begin's dvector to dmine",
                (("dmine = tree_add(dmine, Seen(dvector, None, None))", "dmine = tree_add(dmine, Seen(None if dvector is None else 0 * dvector, None, None))"),)),
        Mistake("says-dropout-skipped", "dropout on what the decoder says (line 7) is not undone", (("    (dsays,) = ops.dropout.backward(dsays, drop_says)\n", ""),)),
        Mistake("word-dropout-skipped", "dropout on the word vectors (line 4) is not undone", (("    (dwords,) = ops.dropout.backward(dwords, drop_words)\n", ""),)),
        Mistake("dropouts-exchanged", "the caches of the two dropouts are exchanged, or one is used for both",
                (("backward(dsays, drop_says)", "backward(dsays, np.resize(drop_words, dsays.shape) if drop_words is not None else None)"),)),
        Mistake("words-missing", "the gradient of the word vectors (line 3) is missing",
                (('_, grads["words"] = ops.embedding.backward(dwords, embedding)', 'grads["words"] = 0 * ops.embedding.backward(dwords, embedding)[1]'),)),
        Mistake("out-missing", "the gradient of params.out (line 8) is missing or 0",
                (('dsays, grads["out"] = ops.affine.backward(dlogits, out)', 'dsays, dout_ = ops.affine.backward(dlogits, out)\n    grads["out"] = type(dout_)(*(0 * d for d in dout_))'),)),
        Mistake("see-missing", "the encoder gets no gradient: the picture's gradient does not reach see_backward",
                (("dsee = see_backward(Seen(*dseen), see)", "dsee = see_backward(Seen(*(None if d is None else 0 * d for d in dseen)), see)"),)),
        Mistake("dstate-dropped", "the gradient of the first state is dropped: begin_backward gets dstate",
                (("begin_backward(dstate, begin)", "begin_backward(dstate._replace(h=0 * dstate.h), begin)"),)),
        Mistake("keys-missing", "the gradient of the keys is lost between tell and see",
                (("Seen(dvector, None, None))", "Seen(dvector, None, None))\n    dmine = dmine._replace(keys=None if dmine.keys is None else 0 * dmine.keys)"),)),
        Mistake("values-missing", "the gradient of the values is lost between tell and see",
                (("Seen(dvector, None, None))", "Seen(dvector, None, None))\n    dmine = dmine._replace(values=None if dmine.values is None else 0 * dmine.values)"),)),
        Mistake("captions-not-added", "a picture's gradient is that of its last caption alone; those of all its captions add up",
                (("ops.embedding.backward(d, pick[1])[1] for", "_last(d, pick[1]) for"),
                 ("    dsee = ", "    _unused = None\n    dsee = "), ("    grads = dict.fromkeys(fields)\n",
                  "    def _last(d, kept):\n        table = np.zeros(kept[1])\n        table[kept[0]] = d\n        return table\n\n    grads = dict.fromkeys(fields)\n"))),
        Mistake("vector-doubled", "the gradient of the picture at the start is added twice",
                (("dmine = tree_add(dmine, Seen(dvector, None, None))", "dmine = tree_add(tree_add(dmine, Seen(dvector, None, None)), Seen(dvector, None, None))"),)),
        Mistake("tell-missing", "the gradients that tell_backward gave (cell, query, score) do not reach the result",
                (("**{**grads, **dtell, **dbegin, **dsee}", "**{**grads, **{k: v for k, v in dtell.items() if k != 'cell'}, **dbegin, **dsee}"),)),
        Mistake("begin-missing", "the gradients that begin_backward gave (first) do not reach the result", (("**dbegin, **dsee", "**dsee"),)),
        Mistake("not-seven", "only the gradients of the parameters are returned; there is one result per argument, None for the data",
                (("return None, None, None, None, None, None, CaptionerParams", "return CaptionerParams"),)),
        Mistake("order", "the gradients come first; they stand where params stands, after six times None",
                (("return None, None, None, None, None, None, CaptionerParams(**{**grads, **dtell, **dbegin, **dsee})",
                  "return CaptionerParams(**{**grads, **dtell, **dbegin, **dsee}), None, None, None, None, None, None"),)),
        Mistake("averaged", "the gradients are divided by the number of captions; the loss has taken its mean already",
                (("backward(dout[0], cross_entropy)", "backward(dout[0] / len(cross_entropy[1]), cross_entropy)"),)),
        *(Mistake(f"begin-not-added-{k}", "what flows back through the first state never reaches the picture: add begin's dvector to dmine", (*none, (_ADD, ""))) for k, none in enumerate(_NONES)),
        *(Mistake(f"tell-replaced-{k}{m}", "what the decoder read along the way is lost: begin's dvector is added to dmine, it does not replace it",
                  (*none, (_ADD, f"    dmine = Seen(dvector, {rest})\n")))
          for k, none in enumerate(_NONES) for m, rest in enumerate(("dmine.keys, dmine.values", "None, None"))),
        Mistake("added-without-none", "dvector or dmine.vector may be None (nobody read it there): tree_add takes None as zero", ((_ADD, "    dmine = dmine._replace(vector=dmine.vector + dvector)\n"),)),
        Mistake("added-without-none-2", "dvector or dmine.vector may be None (nobody read it there): tree_add takes None as zero", ((_ADD, "    dmine = dmine._replace(vector=dvector + dmine.vector)\n"),)),
        Mistake("dropouts-exchanged-2", "the caches of the two dropouts are exchanged, or one is used for both", (("backward(dsays, drop_says)", "backward(dsays, drop_words)"), ("backward(dwords, drop_words)", "backward(dwords, drop_says)"))),
        Mistake("dropouts-same", "the caches of the two dropouts are exchanged, or one is used for both", (("backward(dsays, drop_says)", "backward(dsays, drop_words)"),)),
        Mistake("dropouts-same-2", "the caches of the two dropouts are exchanged, or one is used for both", (("backward(dwords, drop_words)", "backward(dwords, drop_says)"),)),
        Mistake("dropouts-skipped", "neither dropout (lines 4 and 7) is undone", (("    (dsays,) = ops.dropout.backward(dsays, drop_says)\n", ""), ("    (dwords,) = ops.dropout.backward(dwords, drop_words)\n", ""))),
        Mistake("none-wins", "the None of fields that were set at the beginning overwrites gradients: put the gradients last when the dicts are merged",
                (("{**grads, **dtell, **dbegin, **dsee}", "{**dtell, **dbegin, **dsee, **grads}"),)),
        Mistake("which-not-undone", "line (2) is not undone: dmine has a row for each caption, see_backward wants one for each picture", ((_PICKED, "    dseen = dmine\n"),)),
        Mistake("which-not-undone-2", "line (2) is not undone for keys and values: dmine has a row for each caption, see_backward wants one for each picture",
                (("dsee = see_backward(Seen(*dseen), see)", "dsee = see_backward(Seen(dseen[0], dmine[1], dmine[2]), see)"),)),
        Mistake("keys-values-dropped", "the gradients of keys and values are lost between tell and see", (("dsee = see_backward(Seen(*dseen), see)", "dsee = see_backward(Seen(dseen[0], None, None), see)"),)),
        Mistake("undone-with-none", "a leaf of mine that nobody saw is None: there is nothing to undo for it", (("None if pick is None else ops", "ops"),)),
        *(Mistake(f"merge-missing-{k}", f"the gradients that {name} gave are not in the result", ((f", **{d}" if d != "dsee" else ", **dsee}", "" if d != "dsee" else "}"),)) for k, (d, name) in enumerate((("dtell", "tell_backward"), ("dsee", "see_backward")))),
        Mistake("words-not-set", "the gradient of the word vectors (line 3) is missing: embedding.backward returns (None, dtable)", (('_, grads["words"] =', "_, _ ="),)),
        Mistake("out-not-set", "the gradient of params.out (line 8) is missing", (('dsays, grads["out"] =', "dsays, _ ="),)),
        Mistake("out-words-exchanged", "the gradients of params.out and params.words are exchanged", (('dsays, grads["out"] =', 'dsays, grads["words"] ='), ('_, grads["words"] =', '_, grads["out"] ='))),
        Mistake("picked-first-result", "embedding.backward returns (None, dtable): the gradient is the second", (("backward(d, pick[1])[1]", "backward(d, pick[1])[0]"),)),
        Mistake("picked-pair", "embedding.backward returns (None, dtable): take the second", (("backward(d, pick[1])[1]", "backward(d, pick[1])"),)),
        Mistake("dout-whole", "dout is (dloss, ignored): the gradient of the loss is dout[0]", (("backward(dout[0], cross_entropy)", "backward(dout, cross_entropy)"),)),
        Mistake("pair-kept-loss", "cross_entropy.backward returns one gradient for each argument; that of the logits is the first", (("dlogits, _, _ =", "dlogits ="),)),
        Mistake("pair-kept-says", "dropout.backward returns a tuple of one: take the gradient out of it", (("(dsays,) =", "dsays ="),)),
        Mistake("pair-kept-words", "dropout.backward returns a tuple of one: take the gradient out of it", (("(dwords,) =", "dwords ="),)),
        Mistake("affine-kept", "affine.backward returns (dx, gradients of W and b): both are needed", (('dsays, grads["out"] = ops', 'dsays = grads["out"] = ops'),)),
        Mistake("gradients-as-dict", "the gradients come as a dict; pack them: CaptionerParams(**grads)", (("CaptionerParams(**{**grads, **dtell, **dbegin, **dsee})", "{**grads, **dtell, **dbegin, **dsee}"),)),
        *(Mistake(f"not-seven-{k}", "there is one result for each of the seven arguments: six times None, then the gradients", (("None, None, None, None, None, None, Cap", "None, " * k + "Cap"),)) for k in (1, 2, 3, 4, 5, 7)),
        Mistake("loss-as-sum", "the gradients are multiplied by the number of words; the loss is their mean, and cross_entropy knows that", (("backward(dout[0], cross_entropy)", "backward(dout[0] * np.count_nonzero(cross_entropy[2]), cross_entropy)"),)),
        Mistake("begin-of-vector", "begin_backward gets the gradient of the first state, dstate", (("begin_backward(dstate, begin)", "begin_backward(dmine, begin)"),)),
        Mistake("says-from-words", "line (3) is undone with the gradient of what the decoder says; it takes that of the word vectors, from tell_backward", (('_, grads["words"] = ops.embedding.backward(dwords, embedding)', '_, grads["words"] = ops.embedding.backward(dsays, embedding)'),)),
        Mistake("fields-missing", "fields that nobody read are missing: CaptionerParams has all of them, None where there is no gradient", (("grads = dict.fromkeys(fields)", "grads = {}"),)),
        Mistake("says-dropout-twice", "dropout on what the decoder says (line 7) is undone twice", (("    (dsays,) = ops.dropout.backward(dsays, drop_says)\n", "    (dsays,) = ops.dropout.backward(*ops.dropout.backward(dsays, drop_says), drop_says)\n"),)),
        Mistake("word-dropout-twice", "dropout on the word vectors (line 4) is undone twice", (("    (dwords,) = ops.dropout.backward(dwords, drop_words)\n", "    (dwords,) = ops.dropout.backward(*ops.dropout.backward(dwords, drop_words), drop_words)\n"),)),
    ),
)  # fmt: skip


def model(rng: np.random.Generator, V: int = 6, K: int = 5, scale: float = 1.5, end: float = 0.0) -> Given:
    """A small random language model that remembers what it has read; `end` raises the odds of END (word 2)."""
    here, before = scale * rng.standard_normal((V, V)), scale * rng.standard_normal((K, V))
    before[:, 2] += end
    return Given("walker", (here, before))


def walks(rng: np.random.Generator, n: int) -> Walk:
    """First states: each sequence has read something else."""
    return Walk(rng.integers(0, 5, n))


def told(value: Any) -> Any:
    """Hypotheses as arrays of one size: word numbers (40, -1 behind the end), score, whether finished."""
    if not isinstance(value, list) or any(
        getattr(h, "_fields", ())[:3] != ("words", "score", "finished") for h in value
    ):
        return value
    return tuple((_padded(h.words), np.float64(h.score), int(bool(h.finished))) for h in value)


def _padded(words: Any) -> Any:
    if not isinstance(words, list | tuple | np.ndarray) or len(words) > 40:
        return words
    padded: Array = np.full(40, -1)
    padded[: len(words)] = words
    return padded


def _greedy_probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    def probe(n: int, note: str, end: float = 0.0, **options: Any) -> Probe:
        return Probe((model(rng, end=end), walks(rng, n), n), options, note)

    long = Given("walker", (np.zeros((6, 6)), rng.standard_normal((5, 6)) + np.array([4.0, 3.0, -9.0, 0, 0, 0])))
    return (
        probe(5, "", end=1.0, max_length=8),
        Probe((long, walks(rng, 3), 3), {"max_length": 6}, "no sentence that ends"),
        Probe(
            (model(rng), walks(rng, 4), 4),
            {"start": 0, "end": 5, "never": (0, 3), "max_length": 7},
            "other numbers for START, END and never",
        ),
        probe(1, "n = 1", end=1.0, max_length=9),
        probe(6, "sentences that end early", end=4.0, max_length=5),
    )


greedy1 = Exercise(
    name="greedy1",
    function="greedy",
    folder="10_captioner",
    title="Say the most probable word at every step",
    truth=greedy,
    probes=_greedy_probes,
    inputs={},
    outputs=(),
    normal=told,
    examine=examine_greedy,
    slot="tools.greedy",
    hints=(
        "What does the model need to say its first word, and what does it need for every later one?",
        "A loop of at most max_length turns: one call of step for all sequences, one word for each of them; the words chosen "
        "are what step reads in the next turn.",
        "Words in `never` get the log-probability -inf before argmax over axis 1 (in a copy). END is not put among the words, but "
        "its log-probability counts in the score; after END nothing more is added. Stop when all have ended.",
    ),
    why="At each step the word with the largest log-probability is taken and read back in, so the state is the one that belongs "
    "to what was said. Log-probabilities add up where probabilities would be multiplied. A sentence that has said END stays "
    "in the batch, which costs a little time and no correctness.",
    mistakes=(
        Mistake("state-not-carried", "the state is not handed on from step to step: the model forgets what it has said",
                (("logp, state = step(words, state)", "logp, _ = step(words, state)"),)),
        Mistake("start-again", "every step reads START again; it reads the word that was just said",
                (("        words = logp.argmax(axis=1)\n", "        chosen = logp.argmax(axis=1)\n"), ("int(words[i])", "int(chosen[i])"), ("logp[i, words[i]]", "logp[i, chosen[i]]"))),
        Mistake("never-allowed", "words of `never` are said; they must not be chosen", (("        logp[:, list(never)] = -np.inf\n", ""),)),
        Mistake("end-in-words", "END stands among the words; it is left out", (("h.words if word == end else [*h.words, word]", "[*h.words, word]"),)),
        Mistake("end-not-scored", "END's log-probability is missing from the score; it counts",
                (("h.score + float(logp[i, words[i]])", "h.score + (0.0 if words[i] == end else float(logp[i, words[i]]))"),)),
        Mistake("goes-on-after-end", "words and scores go on after END; a finished sentence stays as it is",
                (("            if not h.finished:\n", "            if True:\n"), ("Hypothesis(said, score, word == end, [])", "Hypothesis(said, score, word == end or h.finished, [])"))),
        Mistake("stops-with-first", "the loop stops as soon as one sentence has ended; the others go on", (("if all(h.finished", "if any(h.finished"),)),
        Mistake("least-probable", "the least probable word is chosen", (("logp[:, list(never)] = -np.inf", "logp[:, list(never)] = np.inf"), ("argmax", "argmin"))),
        Mistake("last-score", "the score is that of the last word alone; log-probabilities add up",
                (("h.score + float(", "float("),)),
        Mistake("probabilities", "probabilities are added up; the score is the sum of *log*-probabilities",
                (("float(logp[i, words[i]])", "float(np.exp(logp[i, words[i]]))"),)),
        Mistake("never-finished", "`finished` stays False", (("word == end, [])", "False, [])"),)),
        Mistake("always-finished", "`finished` is True also for sentences that were cut off at max_length",
                (("    return told\n", "    return [h._replace(finished=True) for h in told]\n"),)),
        Mistake("one-too-few", "the sentences are one word too short: max_length steps are allowed", (("range(max_length)", "range(max_length - 1)"),)),
        Mistake("one-too-many", "there is one step too many: at most max_length", (("range(max_length)", "range(max_length + 1)"),)),
        Mistake("mean-score", "the score is divided by the length; the plain sum is asked for",
                (("    return told\n", "    return [h._replace(score=h.score / max(1, len(h.words) + h.finished)) for h in told]\n"),), convention=True),
        Mistake("fixed-start", "START is always word 1; use `start`", (("np.full(n, start)", "np.full(n, 1)"),)),
        Mistake("fixed-end", "END is always word 2; use `end`", (("if word == end else", "if word == 2 else"), ("word == end, [])", "word == 2, [])"))),
        Mistake("start-in-words", "START stands among the words; it is left out", (("Hypothesis([], 0.0, False, [])", "Hypothesis([start], 0.0, False, [])"),)),
        Mistake("largest-over-batch", "the largest is taken over the sentences (axis 0); each sentence takes the largest over the words (axis 1)", (("logp.argmax(axis=1)", "logp.argmax(axis=0)"),)),
        Mistake("largest-over-batch-2", "the largest is taken over the sentences (axis 0); each sentence takes the largest over the words (axis 1)", (("logp.argmax(axis=1)", "logp.argmax(axis=0)[:n]"),)),
        Mistake("largest-of-all", "the largest is taken over all sentences together; each sentence takes the largest of its own row (axis 1)", (("logp.argmax(axis=1)", "np.full(n, logp.argmax() % logp.shape[1])"),)),
        Mistake("first-row-for-all", "all sentences say the first one's word; each takes the largest of its own row", (("logp.argmax(axis=1)", "np.full(n, logp[0].argmax())"),)),
        Mistake("end-not-first", "END is ruled out as the first word; a sentence may be empty", (("        words = logp.argmax", "        if not any(h.words for h in told):\n            logp[:, end] = -np.inf\n        words = logp.argmax"),)),
        *(Mistake(f"largest-over-batch-{k}", "the largest is taken over the sentences (axis 0); each sentence takes the largest over the words (axis 1)",
                  (("logp.argmax(axis=1)", new), ("        logp = logp.copy()", "        raw, logp = logp, logp.copy()"), ("float(logp[i, words[i]])", "float(raw[i, words[i]])")))
          for k, new in enumerate(("logp.argmax(axis=0)", "logp.argmax(axis=0)[:n]"), 3)),
    ),
)  # fmt: skip

EXERCISES = (captioner1, captioner2, greedy1)
