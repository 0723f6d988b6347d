"""CTC: published values, every path written out, targets that cannot be, and bad input."""

from __future__ import annotations

from itertools import groupby, product

import numpy as np
import pytest

from minirnn import functional as F
from minirnn.functional.activations import log_softmax_forward


def ctc(logits, targets, blank=0, **options):
    """Losses and d(sum of losses)/dlogits of samples that all have all steps; targets are lists of labels."""
    logits = np.asarray(logits)
    lengths = np.array([len(target) for target in targets])
    padded = np.full((len(targets), max(lengths)), blank)
    for row, target in zip(padded, targets):
        row[: len(target)] = target
    steps = np.full(len(logits), logits.shape[1])
    losses, cache = F.ctc_loss.forward(logits, padded, steps, lengths, blank=blank, **options)
    return losses, F.ctc_loss.backward(np.ones_like(losses), cache)[0]


def reads_as(path, blank):
    """What a path reads as: repeats merged, then blanks removed."""
    return tuple(label for label, _ in groupby(path) if label != blank)


def by_enumeration(logp, target, blank):
    """-log of the sum over all V ** T paths."""
    V = logp.shape[1]
    paths = [path for path in product(range(V), repeat=len(logp)) if reads_as(path, blank) == tuple(target)]
    if not paths:
        return np.inf
    return -np.logaddexp.reduce([sum(logp[t, k] for t, k in enumerate(path)) for path in paths])


# --- published values -------------------------------------------------------------------------------------------------

# TensorFlow, ctc_loss_op_test.py (testBasic), from a reference implementation outside of TensorFlow;
# warp-ctc's tests/test_cpu.cpp (options_test) has the same numbers. Probabilities; the blank is the last class.
TENSORFLOW = (
    (
        [0, 1, 2, 1, 0],
        3.34211,
        [
            [0.633766, 0.221185, 0.0917319, 0.0129757, 0.0142857, 0.0260553],
            [0.111121, 0.588392, 0.278779, 0.0055756, 0.00569609, 0.010436],
            [0.0357786, 0.633813, 0.321418, 0.00249248, 0.00272882, 0.0037688],
            [0.0663296, 0.643849, 0.280111, 0.00283995, 0.0035545, 0.00331533],
            [0.458235, 0.396634, 0.123377, 0.00648837, 0.00903441, 0.00623107],
        ],
        [
            [-0.366234, 0.221185, 0.0917319, 0.0129757, 0.0142857, 0.0260553],
            [0.111121, -0.411608, 0.278779, 0.0055756, 0.00569609, 0.010436],
            [0.0357786, 0.633813, -0.678582, 0.00249248, 0.00272882, 0.0037688],
            [0.0663296, -0.356151, 0.280111, 0.00283995, 0.0035545, 0.00331533],
            [-0.541765, 0.396634, 0.123377, 0.00648837, 0.00903441, 0.00623107],
        ],
    ),
    (
        [0, 1, 1, 0],
        5.42262,
        [
            [0.30176, 0.28562, 0.0831517, 0.0862751, 0.0816851, 0.161508],
            [0.24082, 0.397533, 0.0557226, 0.0546814, 0.0557528, 0.19549],
            [0.230246, 0.450868, 0.0389607, 0.038309, 0.0391602, 0.202456],
            [0.280884, 0.429522, 0.0326593, 0.0339046, 0.0326856, 0.190345],
            [0.423286, 0.315517, 0.0338439, 0.0393744, 0.0339315, 0.154046],
        ],
        [
            [-0.69824, 0.28562, 0.0831517, 0.0862751, 0.0816851, 0.161508],
            [0.24082, -0.602467, 0.0557226, 0.0546814, 0.0557528, 0.19549],
            [0.230246, 0.450868, 0.0389607, 0.038309, 0.0391602, -0.797544],
            [0.280884, -0.570478, 0.0326593, 0.0339046, 0.0326856, 0.190345],
            [-0.576714, 0.315517, 0.0338439, 0.0393744, 0.0339315, 0.154046],
        ],
    ),
)

# warp-ctc: logits, target, loss; the blank is class 0. The first three from torch_binding/TUTORIAL.md, the fourth from
# the tests of its PyTorch binding (test_simple).
WARP_CTC = (
    ([[0, 0, 0, 0, 0]], [1], 1.6094379425049),
    ([[1, 2, 3, 4, 5], [6, 7, 8, 9, 10], [11, 12, 13, 14, 15]], [3, 3], 7.355742931366),
    ([[-5, -4, -3, -2, -1], [-10, -9, -8, -7, -6], [-15, -14, -13, -12, -11]], [2, 3], 4.938850402832),
    ([[0.1, 0.6, 0.1, 0.1, 0.1], [0.1, 0.1, 0.6, 0.1, 0.1]], [1, 2], 2.4628584384918),
)


def test_tensorflows_values():
    probabilities = np.array([sample[2] for sample in TENSORFLOW])
    losses, dlogits = ctc(np.log(probabilities), [sample[0] for sample in TENSORFLOW], blank=5)
    np.testing.assert_allclose(losses, [sample[1] for sample in TENSORFLOW], atol=5e-6)
    np.testing.assert_allclose(dlogits, [sample[3] for sample in TENSORFLOW], atol=2e-6)


@pytest.mark.parametrize(("logits", "target", "loss"), WARP_CTC)
def test_warp_ctcs_values(logits, target, loss):
    losses, _ = ctc(np.array([logits], dtype=float), [target])
    np.testing.assert_allclose(losses, [loss], atol=1e-6)


def test_warp_ctcs_batch():
    """The sum over two samples (test_medium of its PyTorch binding, which has time first)."""
    time_first = [
        [[0.1, 0.6, 0.1, 0.1, 0.1], [0.1, 0.1, 0.6, 0.1, 0.1]],
        [[0.6, 0.1, 0.1, 0.1, 0.1], [0.1, 0.1, 0.5, 0.2, 0.1]],
    ]
    losses, _ = ctc(np.array(time_first).transpose(1, 0, 2), [[1, 2], [1, 2]])
    assert losses.sum() == pytest.approx(6.0165174007416, abs=1e-6)


def test_pytorch_has_the_published_values_too():
    torch = pytest.importorskip("torch")
    samples = [(np.log(p), target, loss, 5) for target, loss, p, _ in TENSORFLOW]
    samples += [(np.array(logits, dtype=float), target, loss, 0) for logits, target, loss in WARP_CTC]
    for logits, target, loss, blank in samples:
        logp = torch.log_softmax(torch.from_numpy(logits), dim=-1)
        args = torch.tensor(target), torch.tensor(len(logits)), torch.tensor(len(target))
        theirs = torch.nn.functional.ctc_loss(logp, *args, blank=blank, reduction="none")
        assert float(theirs) == pytest.approx(loss, abs=5e-6)


# --- by hand, and by enumeration --------------------------------------------------------------------------------------


def test_two_steps_by_hand():
    """Probabilities 1/2 (blank), 1/3, 1/6 at both steps: "a" is read from aa, a- and -a."""
    p = np.array([1 / 2, 1 / 3, 1 / 6])
    losses, dlogits = ctc(np.log([[p, p]]) + 7, [[1]])
    total = 1 / 9 + 1 / 6 + 1 / 6
    np.testing.assert_allclose(losses, [-np.log(total)], rtol=1e-12)
    gamma = np.array([1 / 6, 1 / 9 + 1 / 6, 0]) / total  # at either step: blank in one path, a in two
    np.testing.assert_allclose(dlogits, [[p - gamma, p - gamma]], atol=1e-12)


@pytest.mark.parametrize("blank", [0, 1, 2])
@pytest.mark.parametrize("T", [1, 2, 3, 5])
def test_every_target_has_the_sum_of_its_paths(T, blank):
    """All targets of 0 to 3 labels; together those of any length have probability 1."""
    V = 3
    logits = np.random.default_rng([T, blank]).standard_normal((T, V)) * 2
    logp, _ = log_softmax_forward(logits)
    labels = [k for k in range(V) if k != blank]
    targets = [target for U in range(T + 1) for target in product(labels, repeat=U)]
    losses, _ = ctc(np.repeat(logits[None], len(targets), axis=0), targets, blank=blank)
    np.testing.assert_allclose(np.exp(-losses).sum(), 1, rtol=1e-12)
    short = [(loss, target) for loss, target in zip(losses, targets) if len(target) <= 3]
    for loss, target in short:
        assert loss == pytest.approx(by_enumeration(logp, target, blank), rel=1e-12)


def test_lengths_cut_samples_off():
    """A sample in a wide batch is the sample alone, whatever its padding holds, and the padding has gradient 0."""
    rng = np.random.default_rng(3)
    logits, targets = rng.standard_normal((4, 6, 4)), np.array([[1, 1, 2], [3, 9, 0], [-1, -1, -1], [2, 3, 1]])
    steps, lengths = np.array([5, 3, 2, 6]), np.array([3, 1, 0, 3])
    logits[0, 5:], logits[2, 2:] = np.nan, 1e6
    losses, cache = F.ctc_loss.forward(logits, targets, steps, lengths)
    dlosses = np.array([1.0, -2.0, 0.5, 3.0])
    dlogits, *rest = F.ctc_loss.backward(dlosses, cache)
    assert rest == [None, None, None]
    for n, (T, U) in enumerate(zip(steps, lengths)):
        loss, alone = ctc(logits[n : n + 1, :T], [targets[n, :U]])
        np.testing.assert_allclose(losses[n], loss[0], rtol=1e-12)
        np.testing.assert_allclose(dlogits[n, :T], dlosses[n] * alone[0], rtol=1e-9, atol=1e-12)
        assert not dlogits[n, T:].any()


def test_small_integers_do_not_overflow():
    logits = np.random.default_rng(0).standard_normal((1, 150, 3))
    targets = np.tile(np.array([1, 2], np.int8), 35)[None]
    narrow, _ = F.ctc_loss.forward(logits, targets, np.array([150], np.uint8), np.array([70], np.int8))
    wide, _ = F.ctc_loss.forward(logits, targets.astype(int), np.array([150]), np.array([70]))
    np.testing.assert_array_equal(narrow, wide)


def test_probabilities_far_below_the_smallest_float():
    """Every path has probability exp(-1000 T): its logarithm is exact, and the gradient still says where to go."""
    logits = np.zeros((1, 4, 3), np.float32)
    logits[..., 2] = 1000
    losses, dlogits = ctc(logits, [[1]])
    paths = 4 + 3 + 2 + 1  # one run of ones somewhere, blanks around it
    np.testing.assert_allclose(losses, [4000 - np.log(paths)], rtol=1e-6)
    share = np.array([4, 6, 6, 4]) / paths  # of the paths that are in the label at each step
    np.testing.assert_allclose(dlogits[0], np.stack([share - 1, -share, np.ones(4)], axis=1), atol=1e-3)


def test_nan_goes_on():
    losses, dlogits = ctc(np.array([[[0.0, np.nan], [0, 0]], [[0, 0], [0, 0]]]), [[1], [1]])
    assert np.isnan(losses).tolist() == [True, False]
    assert np.isnan(dlogits[0]).any()
    assert np.isfinite(dlogits[1]).all()


# --- targets that no path reads as ------------------------------------------------------------------------------------


def test_impossible_targets():
    """Two steps: three labels are too many, and so are two equal ones. Infinite loss, or 0 when asked; gradient 0."""
    logits = np.random.default_rng(0).standard_normal((4, 2, 3))
    targets = [[1, 2, 1], [1, 1], [1, 2], []]
    losses, dlogits = ctc(logits, targets)
    assert (losses == np.inf).tolist() == [True, True, False, False]
    assert not dlogits[:2].any()
    assert dlogits[2:].any(axis=(1, 2)).all()
    zeroed, same = ctc(logits, targets, zero_infinity=True)
    np.testing.assert_array_equal(zeroed, np.where(losses == np.inf, 0, losses))
    np.testing.assert_array_equal(same, dlogits)


def test_a_ruled_out_label_is_impossible_too():
    """No lack of steps, but probability 0: the same infinite loss without NaN in the gradient."""
    logits = np.zeros((1, 3, 3))
    logits[..., 1] = -np.inf
    losses, dlogits = ctc(logits, [[1]])
    assert losses[0] == np.inf
    assert not dlogits.any()


def test_pytorch_gives_nan_where_we_give_zero():
    """The one place where gradients differ from PyTorch's, on purpose; when PyTorch changes, so may we."""
    torch = pytest.importorskip("torch")
    logits = torch.zeros(2, 1, 3, requires_grad=True)
    args = torch.tensor([[1, 1]]), torch.tensor([2]), torch.tensor([2])
    torch.nn.functional.ctc_loss(logits.log_softmax(-1), *args, reduction="none").sum().backward()
    assert torch.isnan(logits.grad).all()


def test_feasible_agrees_with_the_loss():
    rng = np.random.default_rng(4)
    targets = rng.integers(1, 3, size=(300, 4))
    lengths, steps = rng.integers(0, 5, size=300), rng.integers(1, 8, size=300)
    fits = F.feasible(targets, lengths, steps)
    losses, _ = F.ctc_loss.forward(np.zeros((300, 7, 3)), targets, steps, lengths)
    np.testing.assert_array_equal(fits, np.isfinite(losses))
    assert 30 < fits.sum() < 270


def test_feasible_by_hand():
    targets = np.array([[1, 1, 2, 2], [1, 1, 2, 2], [1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 3, 3]])
    lengths, steps = np.array([4, 4, 3, 3, 0]), np.array([6, 5, 4, 3, 1])
    assert F.feasible(targets, lengths, steps).tolist() == [True, False, True, False, True]
    assert F.feasible(np.zeros((2, 0), int), np.array([0, 0]), np.array([1, 1])).tolist() == [True, True]


# --- bad input --------------------------------------------------------------------------------------------------------

LOGITS, TARGETS = np.zeros((2, 5, 4)), np.array([[1, 2, 3], [3, 1, 0]])
STEPS, LENGTHS = np.array([5, 4]), np.array([3, 2])


def lossy(logits=LOGITS, targets=TARGETS, steps=STEPS, lengths=LENGTHS, **options):
    return F.ctc_loss.forward(logits, targets, steps, lengths, **options)


def test_the_arguments_below_are_right_but_for_one():
    assert np.isfinite(lossy()[0]).all()


REFUSED = {
    "20 a sample without steps": (
        {"steps": np.array([5, 0])},
        r"input_lengths holds 0 for sample 1; expected 1 to T = 5",
    ),
    "21 more steps than there are": ({"steps": np.array([6, 4])}, r"input_lengths holds 6 for sample 0; .* T = 5"),
    "21 more labels than there are": (
        {"lengths": np.array([3, 4])},
        r"target_lengths holds 4 for sample 1; .*0 to U = 3",
    ),
    "21 fewer than no labels": ({"lengths": np.array([-1, 2])}, r"target_lengths holds -1 for sample 0"),
    "23 the blank in a target": ({"lengths": np.array([3, 3])}, r"target 0 at position \(1, 2\) is the blank"),
    "23 another blank": ({"blank": 3}, r"target 3 at position \(0, 2\) is the blank"),
    "16 labels that are floats": (
        {"targets": TARGETS.astype(float)},
        r"targets have dtype float64; expected an integer",
    ),
    "16 labels that are booleans": ({"targets": TARGETS > 0}, r"targets have dtype bool; expected an integer"),
    "16 a list of labels": ({"targets": TARGETS.tolist()}, r"targets have dtype list; expected an integer"),
    "16 lengths that are floats": ({"steps": STEPS * 1.0}, r"input_lengths has dtype float64"),
    "16 lengths as a list": ({"lengths": [3, 2]}, r"target_lengths has dtype list"),
    "19 a target for each step of all samples": (
        {"targets": TARGETS.ravel()},
        r"targets have shape \(6,\); expected \(N, U\)",
    ),
    "19 targets of another batch": ({"targets": TARGETS[:1]}, r"targets have shape \(1, 3\).*N = 2"),
    "19 one length for all": ({"steps": np.array(5)}, r"input_lengths has shape \(\); expected \(2,\)"),
    "19 lengths in a column": ({"lengths": LENGTHS[:, None]}, r"target_lengths has shape \(2, 1\)"),
    "2 one sample alone": ({"logits": LOGITS[0]}, r"logits has 2 axes.*\(N, T, V\)"),
    "12 no time step": ({"logits": LOGITS[:, :0]}, r"\(2, 0, 4\): no time step"),
    "blank that is no class": ({"blank": 4}, r"blank is 4; expected .* 0 to 3"),
    "blank below 0": ({"blank": -1}, r"blank is -1"),
    "blank that is no integer": ({"blank": 0.0}, r"blank is 0\.0"),
}


@pytest.mark.parametrize("row", REFUSED)
def test_refused_in_one_sentence(row):
    arguments, words = REFUSED[row]
    with pytest.raises(ValueError, match=words) as caught:
        lossy(**arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("label", [4, -1, 2**40])
def test_24_labels_that_do_not_exist(label):
    """PyTorch returned a number from memory that it does not own."""
    targets = TARGETS.copy()
    targets[1, 1] = label
    with pytest.raises(IndexError, match=rf"target {label} at position \(1, 1\) is out of range: there are 4 classes"):
        lossy(targets=targets)
    assert np.isfinite(lossy(targets=targets, lengths=np.array([3, 1]))[0]).all()  # behind the end nobody looks
