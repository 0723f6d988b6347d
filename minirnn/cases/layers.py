"""Cases of the layers without time: affine, activations, images, norms, dropout, embedding."""

from __future__ import annotations

import numpy as np

from minirnn import functional as F
from minirnn.cases.case import Case
from minirnn.cases.draw import D, V, affine, apart, conv, ids, norm, normal, running
from minirnn.functional.norm import norm_relu
from minirnn.functional.pool import conv_pool

TRAINING, EVALUATION = {"training": True}, {"training": False}
NORM = ("running", "out.1")  # running statistics are not differentiated

LAYERS = (
    Case("affine", F.affine, lambda rng, N, T: (normal(rng, N, D), affine(rng, D, 2))),
    Case("affine-sequence", F.affine, lambda rng, N, T: (normal(rng, N, T, D), affine(rng, D, 2)), time_axis={"x": 1}),
    Case("relu", F.relu, lambda rng, N, T: (apart(rng, N, D),)),
    Case("sigmoid", F.sigmoid, lambda rng, N, T: (normal(rng, N, D),)),
    Case("tanh", F.tanh, lambda rng, N, T: (normal(rng, N, D),)),
    Case("softmax", F.softmax, lambda rng, N, T: (normal(rng, N, T, V),), time_axis={"x": 1}),
    Case("log_softmax", F.log_softmax, lambda rng, N, T: (normal(rng, N, T, V),), time_axis={"x": 1}),
    Case(
        "conv2d",
        F.conv2d,
        lambda rng, N, T: (normal(rng, N, 6, 5, 2), conv(rng, 3, 2)),
        {"stride": (2, 1), "pad": ((1, 2), (0, 1))},
    ),
    Case("conv2d-1x1", F.conv2d, lambda rng, N, T: (normal(rng, N, 2, 3, 2), conv(rng, 1, 1))),
    Case("conv2d-gap", F.conv2d, lambda rng, N, T: (normal(rng, N, 6, 8, 2), conv(rng, 2, 3)), {"stride": (3, 4)}),
    Case(
        "conv2d-picture",
        F.conv2d,
        lambda rng, N, T: (normal(rng, N, 4, 5, 2), conv(rng, 3, 2)),
        {"pad": (0, 1), "need_dx": False},
        constants=("x",),
    ),
    Case(
        "conv_transpose2d",
        F.conv_transpose2d,
        lambda rng, N, T: (normal(rng, N, 3, 4, 2), F.ConvTransposeParams(*conv(rng, 3, 2))),
        {"stride": (2, 3), "pad": ((1, 0), (0, 2)), "extra": (1, 0)},
    ),
    Case(
        "conv_transpose2d-overlap",
        F.conv_transpose2d,
        lambda rng, N, T: (normal(rng, N, 2, 3, 2), F.ConvTransposeParams(*conv(rng, 2, 3))),
    ),
    Case("max_pool2d", F.max_pool2d, lambda rng, N, T: (apart(rng, N, 4, 5, 2),)),
    Case(
        "max_pool2d-overlap",
        F.max_pool2d,
        lambda rng, N, T: (apart(rng, N, 6, 5, 2),),
        {"size": (3, 2), "stride": (2, 1)},
    ),
    Case("max_pool2d-gap", F.max_pool2d, lambda rng, N, T: (apart(rng, N, 5, 7, 2),), {"size": 2, "stride": (3, 4)}),
    Case(
        "max_pool2d-pad",
        F.max_pool2d,
        lambda rng, N, T: (apart(rng, N, 5, 4, 2) - 3,),
        {"size": (3, 2), "stride": 2, "pad": ((1, 2), (0, 1))},
    ),
    Case(
        "avg_pool2d-overlap",
        F.avg_pool2d,
        lambda rng, N, T: (normal(rng, N, 6, 5, 2),),
        {"size": (3, 2), "stride": (2, 1)},
    ),
    Case(
        "avg_pool2d-pad",
        F.avg_pool2d,
        lambda rng, N, T: (normal(rng, N, 5, 4, 2),),
        {"size": (3, 2), "stride": 2, "pad": ((1, 2), (0, 1))},
    ),
    Case(
        "avg_pool2d-uncounted",
        F.avg_pool2d,
        lambda rng, N, T: (normal(rng, N, 5, 4, 2),),
        {"size": (3, 2), "stride": (1, 3), "pad": ((1, 2), (0, 1)), "count_pad": False},
    ),
    Case("global_avg_pool", F.global_avg_pool, lambda rng, N, T: (normal(rng, N, 3, 4, 2),)),
    Case("global_max_pool", F.global_max_pool, lambda rng, N, T: (apart(rng, N, 3, 4, 2),)),
    Case(
        "batch_norm",
        F.batch_norm,
        lambda rng, N, T: (2 + 3 * normal(rng, N, D), running(rng, D), norm(rng, D)),
        TRAINING,
        constants=NORM,
        least=2,
    ),
    Case(
        "batch_norm-images",
        F.batch_norm,
        lambda rng, N, T: (2 + 3 * normal(rng, N, 3, 4, 2), running(rng, 2), norm(rng, 2)),
        {"training": True, "momentum": 0.7, "eps": 0.1},
        constants=NORM,
        least=1,
    ),
    *(
        Case(f"conv_pool{name}", conv_pool(F.conv2d, F.max_pool2d), make, {"pad": pad})
        for name, make, pad in (
            ("", lambda rng, N, T: (normal(rng, N, 6, 5, 2), conv(rng, 3, 3)), 1),
            ("-sides", lambda rng, N, T: (normal(rng, N, 5, 4, 2), conv(rng, 2, 3)), ((1, 2), (3, 0))),
            ("-even", lambda rng, N, T: (normal(rng, N, 7, 6, 2), conv(rng, 4, 2)), 0),
        )
    ),
    Case(
        "norm_relu",
        norm_relu(F.batch_norm, F.relu),
        lambda rng, N, T: (apart(rng, N, 3, 4, 2), running(rng, 2), norm(rng, 2)),
        TRAINING,
        constants=NORM,
        least=1,
    ),
    Case(
        "norm_relu-evaluation",
        norm_relu(F.batch_norm, F.relu),
        lambda rng, N, T: (apart(rng, N, D), running(rng, D), norm(rng, D)),
        EVALUATION,
        constants=NORM,
    ),
    Case(
        "batch_norm-evaluation",
        F.batch_norm,
        lambda rng, N, T: (normal(rng, N, D), running(rng, D), norm(rng, D)),
        EVALUATION,
        constants=NORM,
    ),
    Case(
        "batch_norm-images-evaluation",
        F.batch_norm,
        lambda rng, N, T: (normal(rng, N, 3, 4, 2), running(rng, 2), norm(rng, 2)),
        EVALUATION,
        constants=NORM,
    ),
    Case(
        "layer_norm", F.layer_norm, lambda rng, N, T: (2 + 3 * normal(rng, N, T, D), norm(rng, D)), time_axis={"x": 1}
    ),
    Case(
        "dropout",
        F.dropout,
        lambda rng, N, T: (normal(rng, N, T, D),),
        {"p": 0.4, "training": True, "rng": np.random.default_rng(1)},
    ),
    Case("dropout-evaluation", F.dropout, lambda rng, N, T: (normal(rng, N, D),), {"p": 0.4, "training": False}),
    Case("embedding", F.embedding, lambda rng, N, T: (ids(rng, N, T), normal(rng, V, D))),
    Case("windows", F.windows, lambda rng, N, T: (normal(rng, N, T, D),), {"size": 3, "stride": 2}),
    Case("windows-next", F.windows, lambda rng, N, T: (normal(rng, N, 5, 2),), {"size": 4, "stride": 1}),
    Case("embedding-table", F.embedding, lambda rng, N, T: (ids(rng, N, T)[:, 0], normal(rng, V, 2, 3))),
)
