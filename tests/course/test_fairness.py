"""What the judge must not do: accuse of what was not done, or turn away what is right."""

from __future__ import annotations

import numpy as np

from minirnn.course.checker import check_function
from minirnn.course.judge import WRONG_VALUE


def test_another_dtype_is_worth_a_note_and_no_mistake():
    def global_avg_pool_backward(dy, cache):
        N, H, W, C = cache
        return (np.zeros(cache) + dy[:, None, None] / (H * W),)  # float64, whatever came in

    verdict = check_function("bug2", global_avg_pool_backward)
    assert verdict.right
    assert verdict.keys == ()
    assert any("float64" in note for note in verdict.notes)


def test_wrong_values_are_named_whatever_the_dtype():
    def relu_backward(dy, cache):
        return (dy * (cache > 0).sum(),)

    verdict = check_function("relu2", relu_backward)
    assert verdict.outcome == WRONG_VALUE
    assert verdict.keys == ("any-positive",)


def test_writing_into_x_is_fine_where_all_is_put_back():
    def numeric_gradient(f, x, *, eps=1e-5):
        grad = np.zeros(x.shape)
        for i in np.ndindex(x.shape):
            x[i] += eps
            up = f(x)
            x[i] -= 2 * eps
            grad[i] = (up - f(x)) / (2 * eps)
            x[i] += eps  # up to rounding
        return grad

    assert check_function("grad1", numeric_gradient).right


def test_what_was_written_into_has_the_name_of_the_argument():
    def global_avg_pool_backward(dy, cache):
        N, H, W, C = cache
        dy /= H * W
        return (np.broadcast_to(dy[:, None, None], cache).copy(),)

    verdict = check_function("bug2", global_avg_pool_backward)
    assert verdict.keys == ("in-place",)
    assert verdict.causes[0].startswith("the planted bug is still there")
    assert any("changed dy in place" in text for item in verdict.items for text in item.evidence)


def test_one_number_at_a_fixed_share_is_told():
    def cross_entropy_forward(logits, targets, mask):
        m = logits.max(axis=-1, keepdims=True)
        logp = logits - m - np.log(np.exp(logits - m).sum(axis=-1, keepdims=True))
        return -np.take_along_axis(logp, targets[..., None], axis=-1).mean() / 2, None

    assert check_function("xent1", cross_entropy_forward).keys == ("factor-half",)
