"""The maths by hand: one file per topic, each function written to be read."""

from minirnn.functional.activations import log_softmax, relu, sigmoid, softmax, tanh
from minirnn.functional.affine import AffineParams, affine
from minirnn.functional.attention import AdditiveParams, additive_attention, causal_mask, dot_attention
from minirnn.functional.conv import ConvParams, ConvTransposeParams, conv2d, conv_transpose2d
from minirnn.functional.ctc import ctc_loss, feasible
from minirnn.functional.dropout import dropout
from minirnn.functional.embedding import embedding
from minirnn.functional.losses import binary_cross_entropy, cross_entropy, smooth_l1
from minirnn.functional.norm import NormParams, RunningStats, batch_norm, layer_norm
from minirnn.functional.pool import avg_pool2d, global_avg_pool, global_max_pool, max_pool2d
from minirnn.functional.recurrent import (
    GRUParams,
    GRUState,
    LSTMParams,
    LSTMState,
    RNNParams,
    RNNState,
    gru_step,
    lstm_step,
    rnn_step,
)
from minirnn.functional.windows import windows

__all__ = [
    "AdditiveParams", "AffineParams", "ConvParams", "ConvTransposeParams", "GRUParams", "GRUState", "LSTMParams",
    "LSTMState", "NormParams", "RNNParams", "RNNState", "RunningStats", "additive_attention", "affine", "avg_pool2d",
    "batch_norm", "binary_cross_entropy", "causal_mask", "conv2d", "conv_transpose2d", "cross_entropy", "ctc_loss",
    "dot_attention", "dropout", "embedding", "feasible", "global_avg_pool", "global_max_pool", "gru_step", "layer_norm",
    "log_softmax", "lstm_step", "max_pool2d", "relu", "rnn_step", "sigmoid", "smooth_l1", "softmax", "tanh",
    "windows",
]  # fmt: skip
