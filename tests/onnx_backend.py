"""Runs ONNX graphs with minirnn's pairs: loads the official backend cases and maps each node to a pair.

The mapping moves values (transposes layouts, inserts axes, puts zeros inside a dilated kernel, splits groups) and calls
minirnn for the maths. What minirnn cannot say raises `Declined` with the reason; nothing is passed over in silence.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnx_images import average_pool, conv, conv_transpose, global_pool, max_pool
from onnx_node import GLUE, Declined, Node
from onnx_sequences import attention, recurrent

from minirnn import functional as F

KINDS = ("node", "pytorch-operator", "pytorch-converted")
DTYPES = ("FLOAT", "DOUBLE", "INT32", "INT64", "BOOL")


class Case(NamedTuple):
    name: str
    model: Any
    data_sets: Sequence[tuple[Sequence[Any], Sequence[Any]]]  # inputs and expected outputs
    rtol: float
    atol: float


def load_cases() -> Iterator[Case]:
    """Every case of the kinds above that has a node of an operator in `OPERATORS`."""
    np.random.seed(0)  # noqa: NPY002  the node cases are drawn from NumPy's global generator when they are imported
    with warnings.catch_warnings():  # building the cases of other operators overflows, divides by zero, …
        warnings.simplefilter("ignore")
        from onnx.backend.test.loader import load_model_tests

        found = [case for kind in KINDS for case in load_model_tests(kind=kind)]
    for case in found:
        model, data_sets = case.model, case.data_sets
        if model is None:
            folder = Path(case.model_dir)
            model = onnx.load(folder / "model.onnx")
            data_sets = [
                tuple([numpy_helper.to_array(onnx.load_tensor(file)) for file in sorted(data.glob(f"{what}_*.pb"))]
                      for what in ("input", "output"))
                for data in sorted(folder.glob("test_data_set_*"))
            ]  # fmt: skip
        if any(node.op_type in OPERATORS for node in model.graph.node):
            yield Case(case.name, model, data_sets, case.rtol, case.atol)


def operator_of(case: Case) -> str:
    """What the case is about: our only operator in it, "several", or "expanded": a function written out as a graph."""
    if "_expanded" in case.name:
        return "expanded"
    ours = {node.op_type for node in case.model.graph.node} & set(OPERATORS)
    return ours.pop() if len(ours) == 1 else "several"


def run_model(model: Any, inputs: Sequence[Any]) -> list[Any]:
    """The outputs of a graph. Raises Declined where a node says something that minirnn does not."""
    graph = model.graph
    opset = max(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    unknown = sorted({node.op_type for node in graph.node} - set(OPERATORS) - set(GLUE))
    if unknown:
        raise Declined(f"needs other operators ({unknown[0]})")
    for given in graph.input:
        dtype = onnx.TensorProto.DataType.Name(given.type.tensor_type.elem_type)
        if dtype not in DTYPES:
            raise Declined(f"dtype {dtype.lower()}")
    values = {w.name: numpy_helper.to_array(w) for w in graph.initializer}
    given_names = [given.name for given in graph.input if given.name not in values]
    values |= dict(zip(given_names, inputs, strict=True))
    for proto in graph.node:
        attrs = {a.name: helper.get_attribute_value(a) for a in proto.attribute}
        attrs = {name: v.decode() if isinstance(v, bytes) else v for name, v in attrs.items()}
        args = [values[name] if name else None for name in proto.input]
        node = Node(proto.op_type, attrs, args, [bool(name) for name in proto.output], opset)
        outputs = (OPERATORS | GLUE)[proto.op_type](node)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        for name, value in zip(proto.output, outputs):
            values[name] = value
    return [values[given.name] for given in graph.output]


def elementwise(pair: Any) -> Callable[[Node], Any]:
    return lambda node: pair.forward(node.inputs[0])[0]


def softmax(pair: Any) -> Callable[[Node], Any]:
    """From opset 13 over one axis; before, over everything from `axis` on."""

    def run(node: Node) -> Any:
        x = node.inputs[0]
        if node.opset < 13:
            axis = node.attrs.get("axis", 1) % x.ndim
            rows = x.reshape(int(np.prod(x.shape[:axis])), -1)
            return pair.forward(rows)[0].reshape(x.shape)
        axis = node.attrs.get("axis", -1)
        return np.moveaxis(pair.forward(np.moveaxis(x, axis, -1))[0], -1, axis)

    return run


def gemm(node: Node) -> Any:
    """alpha * A @ B + beta * C, where a whole matrix C is one more block of inputs: [A, I] @ [B; C]."""
    A, B = node.inputs[:2]
    alpha, beta = np.float32(node.attrs.get("alpha", 1)), np.float32(node.attrs.get("beta", 1))
    A = A.T if node.attrs.get("transA") else A
    B = alpha * (B.T if node.attrs.get("transB") else B)
    b = np.zeros(B.shape[1], B.dtype)
    if len(node.inputs) > 2:
        C = beta * node.inputs[2]
        if C.ndim == 2 and C.shape[0] > 1:
            A, B = np.concatenate([A, np.eye(len(A), dtype=A.dtype)], axis=1), np.concatenate([B, C])
        else:
            b = np.broadcast_to(C.reshape(-1), b.shape)
    return F.affine.forward(A, F.AffineParams(B, b))[0]


def matmul(node: Node) -> Any:
    """One affine map without bias for each matrix on the right."""
    A, B = node.inputs
    left, right = A[None] if A.ndim == 1 else A, B[:, None] if B.ndim == 1 else B
    batch = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
    left, right = np.broadcast_to(left, batch + left.shape[-2:]), np.broadcast_to(right, batch + right.shape[-2:])
    y = np.empty((*batch, left.shape[-2], right.shape[-1]), A.dtype)
    for place in np.ndindex(batch):
        params = F.AffineParams(right[place], np.zeros(right.shape[-1], B.dtype))
        y[place] = F.affine.forward(left[place], params)[0]
    y = y[..., 0, :] if A.ndim == 1 else y
    return y[..., 0] if B.ndim == 1 else y


def gather(node: Node) -> Any:
    """Rows of a table; ONNX counts negative ids from the end, minirnn refuses them."""
    table, ids = node.inputs
    if not np.issubdtype(table.dtype, np.floating):
        raise Declined("a table of integers")
    axis = node.attrs.get("axis", 0) % table.ndim
    ids = np.where(ids < 0, ids + table.shape[axis], ids)
    y, _ = F.embedding.forward(ids, np.moveaxis(table, axis, 0))
    return np.moveaxis(y, range(ids.ndim), range(axis, axis + ids.ndim))


def batch_norm(node: Node) -> Any:
    x, gamma, beta, mean, var = node.inputs
    options = {"training": bool(node.attrs.get("training_mode", 0)), "eps": node.attrs.get("epsilon", 1e-5)}
    options["momentum"] = node.attrs.get("momentum", 0.9)
    (y, running), _ = F.batch_norm.forward(
        np.moveaxis(x, 1, -1), F.RunningStats(mean, var), F.NormParams(gamma, beta), **options
    )
    return np.moveaxis(y, -1, 1), running.mean, running.var


def layer_norm(node: Node) -> Any:
    """Over everything from `axis` on. ONNX also wants the statistics: xhat = (x - mean) * inv gives both back."""
    x, scale, shift = node.inputs
    axis = node.attrs.get("axis", -1) % x.ndim
    rows, eps = x.reshape(int(np.prod(x.shape[:axis])), -1), node.attrs.get("epsilon", 1e-5)
    y, _ = F.layer_norm.forward(rows, F.NormParams(scale.reshape(-1), shift.reshape(-1)), eps=eps)
    D = rows.shape[1]
    xhat, _ = F.layer_norm.forward(rows, F.NormParams(np.ones(D, x.dtype), np.zeros(D, x.dtype)), eps=eps)
    inv = np.ptp(xhat, axis=1, keepdims=True) / np.ptp(rows, axis=1, keepdims=True)
    mean = rows.max(axis=1, keepdims=True) - xhat.max(axis=1, keepdims=True) / inv
    per_row = x.shape[:axis] + (1,) * (x.ndim - axis)
    return y.reshape(x.shape), mean.reshape(per_row), inv.reshape(per_row)


def dropout(node: Node) -> Any:
    """In training the cases draw their mask from NumPy's old generator, which also has `random(shape)`."""
    x, ratio, training = [*node.inputs, None, None][:3]
    options: dict[str, Any] = {"p": 0.5 if ratio is None else float(ratio), "training": bool(training)}
    seed = node.attrs.get("seed", 0)
    y, kept = (F.dropout.forward(a, **options, rng=np.random.RandomState(seed))[0] for a in (x, np.ones_like(x)))
    return y, kept != 0


def cross_entropy(node: Node) -> Any:
    """SoftmaxCrossEntropyLoss and, on log-probabilities, NegativeLogLikelihoodLoss.

    minirnn has the weighted mean; the sum is the mean times the weights, "none" is one call for each word. -x[target]
    of scores that are not normalised is the cross-entropy without what log_softmax took off every score.
    """
    x, targets = node.inputs[:2]
    weight = node.inputs[2] if len(node.inputs) > 2 else np.ones(x.shape[1], x.dtype)
    logits = np.moveaxis(x, 1, -1)
    ignored = targets == node.attrs["ignore_index"] if "ignore_index" in node.attrs else np.zeros(targets.shape, bool)
    ids = np.where(ignored, 0, targets)
    mask = np.where(ignored, 0, weight[ids]).astype(x.dtype)
    logp, _ = F.log_softmax.forward(logits)
    norm = np.zeros(targets.shape, x.dtype)
    if node.op == "NegativeLogLikelihoodLoss":
        norm = logits[..., 0] - logp[..., 0]
    how = node.attrs.get("reduction", "mean")
    if how == "none":
        one = np.ones(1, x.dtype)
        loss = np.zeros(targets.shape, x.dtype)
        for place in np.ndindex(targets.shape):
            loss[place] = F.cross_entropy.forward(logits[place][None], ids[place].reshape(1), one)[0]
        loss = mask * (loss - norm)
    else:
        loss = F.cross_entropy.forward(logits, ids, mask)[0] - (mask * norm).sum() / mask.sum()
        loss = loss * mask.sum() if how == "sum" else loss
    return np.asarray(loss, x.dtype), np.moveaxis(logp, -1, 1)


OPERATORS: dict[str, Callable[[Node], Any]] = {
    "Attention": attention,
    "AveragePool": average_pool,
    "BatchNormalization": batch_norm,
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "Dropout": dropout,
    "GRU": recurrent,
    "Gather": gather,
    "Gemm": gemm,
    "GlobalAveragePool": global_pool(F.global_avg_pool),
    "GlobalMaxPool": global_pool(F.global_max_pool),
    "LSTM": recurrent,
    "LayerNormalization": layer_norm,
    "LogSoftmax": softmax(F.log_softmax),
    "MatMul": matmul,
    "MaxPool": max_pool,
    "NegativeLogLikelihoodLoss": cross_entropy,
    "RNN": recurrent,
    "Relu": elementwise(F.relu),
    "Sigmoid": elementwise(F.sigmoid),
    "Softmax": softmax(F.softmax),
    "SoftmaxCrossEntropyLoss": cross_entropy,
    "Tanh": elementwise(F.tanh),
}
