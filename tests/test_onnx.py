"""The official ONNX backend cases, for the operators that minirnn has.

The official runner counts "not implemented" as passed; here what is declined is listed by name and reason, and counted.
ONNX's recurrent cases are weak (constant weights, a first state of zero): `test_torch` carries the proof for those.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx_backend import OPERATORS, load_cases, operator_of, run_model  # noqa: E402  it needs onnx
from onnx_node import Declined  # noqa: E402

# Cases passed with onnx 1.23, by the operator that they are about: node cases and PyTorch-exported ones.
PASSED = {
    "Attention": 56,
    "AveragePool": 27,
    "BatchNormalization": 9,
    "Conv": 33,
    "ConvTranspose": 14,
    "Dropout": 12,
    "GRU": 5,
    "Gather": 6,
    "Gemm": 14,
    "GlobalAveragePool": 2,
    "GlobalMaxPool": 2,
    "LSTM": 5,
    "LayerNormalization": 19,
    "LogSoftmax": 10,
    "MatMul": 8,
    "MaxPool": 27,
    "NegativeLogLikelihoodLoss": 18,
    "RNN": 6,
    "Relu": 2,
    "Sigmoid": 5,
    "Softmax": 11,
    "SoftmaxCrossEntropyLoss": 34,
    "Tanh": 3,
    "several": 2,  # graphs of more than one of our operators
    "expanded": 35,  # functions written out as graphs: SoftmaxCrossEntropyLoss 34, Swish 1
}

# What minirnn has no words for.
DECLINED = {
    "GRU that resets before the product": ["gru_seq_length"],
    "LSTM with peepholes": ["lstm_with_peepholes"],
    "dtype uint8": ["maxpool_2d_uint8"],
    "dtype bfloat16": [
        "attention_3d_causal_bf16",
        "attention_4d_attn_mask_causal_bf16",
        "attention_4d_causal_bf16",
        "attention_4d_causal_padded_kv_bf16",
        "attention_4d_padded_kv_bf16",
    ],
    "dtype float16": [
        "attention_24_qk_matmul_output_mode3_softmax_precision",
        "attention_4d_causal_fp16",
        "attention_4d_fp16",
        "attention_4d_gqa_causal_nonpad_decode_fp16",
        "attention_4d_gqa_with_past_and_present_fp16",
        "attention_local_window_ext_cache_float16_mask",
    ],
    "attention of a query that may look nowhere": [
        "attention_23_boolmask_fullymasked_row_nan_robustness",
        "attention_23_fullymasked_qk_matmul_output_mode3_zero",
        "attention_24_fullymasked_qk_matmul_output_mode3_zero",
        "attention_4d_causal_nonpad_negative_offset_structural_empty",
        "attention_causal_boolmask_nan_robustness",
    ],
    "attention that returns its scores": [
        "attention_3d_with_past_and_present_qk_matmul",
        "attention_3d_with_past_and_present_qk_matmul_bias",
        "attention_4d_with_past_and_present_qk_matmul",
        "attention_4d_with_past_and_present_qk_matmul_bias",
        "attention_4d_with_past_and_present_qk_matmul_bias_3d_mask",
        "attention_4d_with_past_and_present_qk_matmul_bias_3d_mask_causal",
        "attention_4d_with_past_and_present_qk_matmul_bias_4d_mask",
        "attention_4d_with_past_and_present_qk_matmul_bias_4d_mask_causal",
        "attention_4d_with_qk_matmul",
        "attention_4d_with_qk_matmul_bias",
    ],
    "attention with capped scores": [
        "attention_3d_diff_heads_sizes_softcap",
        "attention_3d_gqa_softcap",
        "attention_3d_softcap",
        "attention_3d_with_past_and_present_qk_matmul_softcap",
        "attention_4d_diff_heads_sizes_softcap",
        "attention_4d_gqa_softcap",
        "attention_4d_softcap",
        "attention_4d_softcap_neginf_mask",
        "attention_4d_softcap_neginf_mask_poison",
        "attention_4d_with_qk_matmul_softcap",
        "attention_local_window_gqa_rank4_mask",
    ],
}
OTHER_OPERATORS = 145  # written-out functions (attention, rotary embedding, …) that need operators minirnn has not
VERSION = tuple(int(part) for part in onnx.__version__.split(".")[:2])


def fault_of(case: Any) -> str | None:
    """What is wrong with our outputs, or None."""
    for inputs, expected in case.data_sets:
        outputs = run_model(case.model, inputs)
        if len(outputs) != len(expected):
            return f"{len(outputs)} outputs, expected {len(expected)}"
        for k, (ours, theirs) in enumerate(zip(outputs, expected)):
            if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
                return f"output {k} is {ours.dtype} {ours.shape}, expected {theirs.dtype} {theirs.shape}"
            if not np.allclose(ours, theirs, rtol=case.rtol, atol=case.atol, equal_nan=True):
                return f"output {k} differs by up to {np.abs(ours - theirs).max():.1e}"
    return None


@pytest.fixture(scope="module")
def results() -> list[tuple[str, str, str, str]]:
    """(operator, case, "passed", "failed" or "declined", why) for every case."""
    rows = []
    for case in load_cases():
        name = case.name.removeprefix("test_")
        try:
            fault = fault_of(case)
            rows.append((operator_of(case), name, "failed" if fault else "passed", fault or ""))
        except Declined as reason:
            rows.append((operator_of(case), name, "declined", str(reason)))
    return rows


@pytest.mark.parametrize("operator", PASSED)
def test_operator(operator: str, results: list[tuple[str, str, str, str]]) -> None:
    failed = [f"{name}: {why}" for op, name, verdict, why in results if op == operator and verdict == "failed"]
    assert not failed, "\n".join(failed)
    passed = sum(op == operator and verdict == "passed" for op, _, verdict, _ in results)
    if VERSION >= (1, 23):  # an older onnx has fewer cases, a newer one may have more
        assert passed >= PASSED[operator]
    assert passed > 0


def test_declined(results: list[tuple[str, str, str, str]]) -> None:
    """Nothing is declined but what is listed above; in onnx 1.23, which the list was made with, exactly that."""
    declined = {name: why for op, name, verdict, why in results if verdict == "declined" and op != "expanded"}
    assert set(declined.values()) <= set(DECLINED)
    if VERSION == (1, 23):
        assert declined == {name: why for why, names in DECLINED.items() for name in names}
        assert len(declined) == 40
        assert Counter(verdict for _, _, verdict, _ in results) == {
            "passed": sum(PASSED.values()),
            "declined": len(declined) + OTHER_OPERATORS,
        }


def test_written_out_functions_are_declined_for_their_operators_alone(results: list[tuple[str, str, str, str]]) -> None:
    reasons = [why for op, _, verdict, why in results if verdict == "declined" and op == "expanded"]
    assert all(why.startswith("needs other operators") for why in reasons)
    if VERSION == (1, 23):
        assert len(reasons) == OTHER_OPERATORS


def test_every_operator_has_cases(results: list[tuple[str, str, str, str]]) -> None:
    assert {op for op, *_ in results} == set(OPERATORS) | {"several", "expanded"}
