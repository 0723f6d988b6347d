"""Tuned twins of the pairs in `minirnn.functional` and `minirnn.unroll`: same contract, same results up to rounding.

The readable pair says what is computed; a twin says how NumPy does it in less time. `benchmarks/README.md` tells what
each trick brought. A test holds every twin to its readable pair.
"""

from minirnn.fast.affine import affine
from minirnn.fast.conv import conv2d
from minirnn.fast.conv_pool import conv_pool
from minirnn.fast.conv_transpose import conv_transpose2d
from minirnn.fast.embedding import embedding
from minirnn.fast.gru import gru
from minirnn.fast.losses import cross_entropy
from minirnn.fast.lstm import lstm
from minirnn.fast.norm import batch_norm, norm_relu, rectified
from minirnn.fast.pool import max_pool2d
from minirnn.fast.rnn import rnn
from minirnn.fast.sequence import beside, bidirectional, unroll

__all__ = [
    "affine", "batch_norm", "beside", "bidirectional", "conv2d", "conv_pool", "conv_transpose2d", "cross_entropy",
    "embedding", "gru", "lstm", "max_pool2d", "norm_relu", "rectified", "rnn", "unroll",
]  # fmt: skip
