"""Exercises of lesson 01: affine map, rectifier, cross-entropy, gradient descent; forward and backward."""

from __future__ import annotations

import numpy as np

from minirnn.course.exercise import Exercise, Probe
from minirnn.course.topics.gradients_losses import SGD1, XENT1, XENT2
from minirnn.course.topics.gradients_mistakes import AFFINE1, AFFINE2, RELU1, RELU2
from minirnn.functional.activations import relu_backward, relu_forward
from minirnn.functional.affine import AffineParams, affine_backward, affine_forward
from minirnn.functional.losses import cross_entropy_backward, cross_entropy_forward
from minirnn.functional.recurrent import RNNParams
from minirnn.optim import SGDState, sgd_update
from minirnn.pair import Array, Tree
from minirnn.tree import tree_map

FOLDER = "01_gradients"


def normal(rng: np.random.Generator, *shape: int) -> Array:
    """Random numbers of about the size that layers see."""
    return 0.7 * rng.standard_normal(shape)


# affine


def _affine_args(rng: np.random.Generator, shape: tuple[int, ...], M: int) -> tuple[Array, AffineParams]:
    return normal(rng, *shape), AffineParams(normal(rng, shape[-1], M), 0.3 + normal(rng, M))


def _affine_probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    return (
        Probe(_affine_args(rng, (3, 2), 4)),
        Probe(_affine_args(rng, (2, 3, 4), 5), note="x (N, T, D)"),
        Probe(_affine_args(rng, (3, 3), 3), note="N = D = M"),
        Probe(_affine_args(rng, (1, 5), 2), note="N = 1"),
        Probe(_affine_args(rng, (3, 4, 3), 3), note="x (N, T, D) and D = M"),
        Probe(_affine_args(rng, (5, 4), 1), note="one output"),
    )


AFFINE_INPUTS = {"x": "N D", "params.W": "D M", "params.b": "M"}

affine1 = Exercise(
    name="affine1",
    function="affine_forward",
    folder=FOLDER,
    title="The affine map",
    truth=affine_forward,
    probes=_affine_probes,
    inputs=AFFINE_INPUTS,
    outputs=(("y", "N M"),),
    cache=True,
    slot="ops.affine.forward",
    hints=(
        "Each output is a weighted sum of the D inputs of its row, plus a number of its own. Which operation makes all "
        "weighted sums of all rows at once?",
        "The matrix product `@` works on the last axis of x and the first axis of W, and leaves axes before them alone.",
        "b has one entry per output, and NumPy lines up the last axes by itself. Return the result, and beside it what "
        "the gradients of x and of W will need.",
    ),
    why="Row n of x @ W holds the M weighted sums of row n of x. `@` treats all axes before the last as a stack, so the same "
    "line serves (N, D) and (N, T, D): W and b are shared by every row. The cache keeps x, which the gradient of W "
    "needs, and W, which the gradient of x needs; nothing needs b.",
    mistakes=AFFINE1,
)

affine2 = Exercise(
    name="affine2",
    function="affine_backward",
    folder=FOLDER,
    title="Backward through the affine map",
    truth=affine_backward,
    truth_forward=affine_forward,
    forward="affine1",
    probes=_affine_probes,
    inputs=AFFINE_INPUTS,
    outputs=(("dx", "N D"), ("dW", "D M"), ("db", "M")),
    slot="ops.affine.backward",
    hints=(
        "Write one output as a sum: y[n, m] = b[m] + the sum over d of x[n, d] * W[d, m]. Which outputs does x[n, d] reach, "
        "which does W[d, m] reach, and which does b[m] reach?",
        "Gradients add up over everything that a value reached: dx over the outputs, dW and db over the rows. A sum over a "
        "shared index of two arrays is a matrix product.",
        "Let the shapes lead you: dx (..., D) is made of dy (..., M) and W; dW (D, M) is made of all rows of x and all rows of dy, "
        "where the rows are summed over. For (N, T, D) make rows of both first.",
    ),
    why="dx = dy @ W.T: each input gets, from every output that it reached, dy times the weight in between. "
    "dW = x.T @ dy with rows for all leading axes: a sum of one outer product per row, since every row used the same W. "
    "db adds dy up over the same rows. Nothing is divided by N: if the loss is a mean, dy carries the 1 / N already.",
    mistakes=AFFINE2,
)


# relu


def _relu_probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    some = normal(rng, 3, 4) * 3
    some[0, :2] = -1.5, 0.4  # whatever the draw: both signs, and a value below 1
    zeros = normal(rng, 4, 3)
    zeros[rng.permutation(4)[:2]] = 0
    negative = -0.1 - np.abs(normal(rng, 2, 3))
    large = 20 * normal(rng, 2, 3)
    large[:, 0] = 30, -30
    return (
        Probe((some,)),
        Probe((large,), note="large values"),
        Probe((negative,), note="nothing but negative values"),
        Probe((normal(rng, 2, 3, 2, 2),), note="images (N, H, W, C)"),
        Probe((normal(rng, 1, 6),), note="N = 1"),
        Probe((zeros,), note="zeros in x"),
    )


relu1 = Exercise(
    name="relu1",
    function="relu_forward",
    folder=FOLDER,
    title="The rectifier",
    truth=relu_forward,
    probes=_relu_probes,
    inputs={"x": "N D"},
    outputs=(("y", "N D"),),
    cache=True,
    slot="ops.relu.forward",
    hints=(
        "What should become of -2, of 0, of 3?",
        "NumPy has a function that takes the larger of two values, element by element. It is not np.max.",
        "np.maximum compares an array with an array or with a number. Return the result and, as cache, what tells later "
        "which elements came through.",
    ),
    why="np.maximum(x, 0) compares every element with 0. The cache only has to tell where x was positive: x itself, y, or a "
    "mask would all do.",
    mistakes=RELU1,
)

relu2 = Exercise(
    name="relu2",
    function="relu_backward",
    folder=FOLDER,
    title="Backward through the rectifier",
    truth=relu_backward,
    truth_forward=relu_forward,
    forward="relu1",
    probes=_relu_probes,
    inputs={"x": "N D"},
    outputs=(("dx", "N D"),),
    slot="ops.relu.backward",
    hints=(
        "If you nudge a positive x, how far does y move? And if you nudge a negative one?",
        "The derivative is 1 or 0 for each element by itself, and the chain rule multiplies it with dy.",
        "A comparison gives True and False, and times a number they count as 1 and 0. At exactly 0 the derivative is "
        "taken as 0. Return a tuple of one.",
    ),
    why="Where x was positive y moved with it one to one, so dy passes; elsewhere y did not move at all, so nothing passes. "
    "The sign of x decides, not the sign of dy: a negative gradient passes a positive x.",
    mistakes=RELU2,
)


# cross-entropy


def _xent(rng: np.random.Generator, shape: tuple[int, ...], V: int) -> tuple[Array, Array, None]:
    targets = rng.integers(0, V, shape)
    targets.flat[0] = V - 1 if targets.size > 1 else 1  # not all of one class, whatever the draw
    targets.flat[-1] = 1
    return 2 * normal(rng, *shape, V), targets, None


def _xent_probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    high, low, apart, hopeless = (_xent(rng, (3,), 4) for _ in range(4))
    apart[0][:] += np.array([[1000.0], [0.0], [-1000.0]])
    hopeless[0][0] += 1000 * (np.arange(4) == 0)  # the target of row 0 is class 3
    hopeless[0][2, 2:] -= 1000
    return (
        Probe(_xent(rng, (4,), 5)),
        Probe(_xent(rng, (2, 3), 5), note="logits (N, T, V)"),
        Probe(_xent(rng, (4,), 4), note="N = V"),
        Probe(_xent(rng, (1,), 3), note="N = 1"),
        Probe(_xent(rng, (3, 4), 4), note="logits (N, T, V) and T = V"),
        Probe((high[0] + 1000, high[1], None), note="logits about 1000"),
        Probe((low[0] - 1000, low[1], None), note="logits about -1000"),
        Probe(apart, note="rows that differ by 1000"),
        Probe(hopeless, note="a target whose logit is 1000 lower than another"),
    )


XENT_INPUTS = {"logits": "N V", "targets": "N"}

xent1 = Exercise(
    name="xent1",
    function="cross_entropy_forward",
    folder=FOLDER,
    title="Softmax cross-entropy",
    truth=cross_entropy_forward,
    probes=_xent_probes,
    inputs=XENT_INPUTS,
    outputs=(("loss", ""),),
    cache=True,
    hints=(
        "How probable does softmax think the right class is, and what is the log of that? What would you answer when all "
        "logits of a row are 1000?",
        "Work with log-probabilities: log softmax(x) = x - log(sum(exp(x))). Adding the same number to all logits of a row "
        "changes nothing, so you may choose which number.",
        "Subtract each row's own maximum, then the log of the row's sum of exponentials (keepdims=True for both); pick the "
        "target's entry of each row; minus the mean of those is the loss.",
    ),
    why="After subtracting the row's maximum the largest exponential is exp(0) = 1: nothing overflows, and the sum is at least "
    "1, so its log is finite. The probabilities themselves are never formed, so none can underflow to 0 before the log. "
    "The mean over all targets makes losses of batches of different sizes comparable.",
    mistakes=XENT1,
)

xent2 = Exercise(
    name="xent2",
    function="cross_entropy_backward",
    folder=FOLDER,
    title="Backward through softmax cross-entropy",
    truth=cross_entropy_backward,
    truth_forward=cross_entropy_forward,
    forward="xent1",
    probes=_xent_probes,
    inputs=XENT_INPUTS,
    outputs=(("dlogits", "N V"),),
    hints=(
        "For one row the loss is log(sum(exp(x))) - x[target]. What is the derivative of each of the two terms?",
        "The derivative of log(sum(exp(x))) is softmax(x). The other term touches one entry of the row only.",
        "Probability minus one at the target, probability elsewhere. Then what a mean does to every share, and what comes "
        "from above. Three arguments went in, so three results come out.",
    ),
    why="d log(sum(exp(x))) / dx = softmax(x), and d x[target] / dx is 1 at the target: so p - 1 there and p elsewhere, which "
    "adds up to 0 over a row. Each row has the share 1 / number of targets in the mean. The gradient is bounded and needs "
    "no division by p, however wrong the network is; that is why softmax and the log are undone together.",
    mistakes=XENT2,
)


# gradient descent


def _sgd_args(like: Tree, rng: np.random.Generator, steps: int) -> tuple[Tree, Tree, SGDState]:
    """Parameters, gradients and the velocity that earlier steps left."""
    grads = [tree_map(lambda w: normal(rng, *w.shape), like) for _ in range(steps + 1)]
    state = SGDState(tree_map(np.zeros_like, like))
    for earlier in grads[1:]:
        like, state = sgd_update(like, earlier, state, lr=0.05)
    return like, grads[0], state


def _sgd_probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    def two_parts() -> Tree:  # an affine map, and an array beside it
        return AffineParams(normal(rng, 2, 3), normal(rng, 3)), normal(rng, 4)

    cell = RNNParams(normal(rng, 2, 2), normal(rng, 2, 2), normal(rng, 2))
    nested = (normal(rng, 3, 1, 2), ((normal(rng, 2),), normal(rng, 1, 1)))
    return (
        Probe(_sgd_args(two_parts(), rng, 2), {"lr": 0.1, "momentum": 0.8, "weight_decay": 0.3}),
        Probe(_sgd_args(two_parts(), rng, 0), {"lr": 0.1}, note="the first step"),
        Probe(_sgd_args(two_parts(), rng, 1), {"lr": 0.5}, note="the second step"),
        Probe(_sgd_args(cell, rng, 3), {"lr": 0.25, "momentum": 0.0, "weight_decay": 0.1}, note="momentum = 0"),
        Probe(_sgd_args(nested, rng, 4), {"lr": 0.01, "momentum": 0.5}, note="a tree of another shape"),
        Probe(_sgd_args(two_parts(), rng, 3), {"lr": 2.0, "momentum": 0.25, "weight_decay": 0.6}, note="lr = 2"),
    )


sgd1 = Exercise(
    name="sgd1",
    function="sgd_update",
    folder=FOLDER,
    title="Stochastic gradient descent",
    truth=sgd_update,
    probes=_sgd_probes,
    inputs={},
    outputs=(
        ("parameter 1", ""), ("parameter 2", ""), ("parameter 3", ""), ("velocity 1", ""), ("velocity 2", ""), ("velocity 3", ""),
    ),
    
    hints=(
        "Three lines of maths for one array: the gradient with decay, the velocity, the step. Which of them needs what the "
        "call before has left?",
        "tree_map with a function of three arrays (w, dw, v) makes the new velocity of every parameter; a second tree_map "
        "makes the new parameters.",
        "The decay is a part of the gradient that goes into the velocity; the learning rate stays outside the velocity. "
        "The step follows the new velocity, and the new velocity is returned in an SGDState.",
    ),
    why="The velocity is a sum of all gradients so far, older ones weighted down by momentum at each step: what they agree on "
    "builds up, what they disagree on cancels. With the learning rate outside, changing lr takes effect at once. Nothing "
    "is kept between calls but what is returned.",
    mistakes=SGD1,
)  # fmt: skip

EXERCISES = (affine1, affine2, relu1, relu2, xent1, xent2, sgd1)
