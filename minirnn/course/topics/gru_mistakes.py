"""Mistakes in one step of the GRU that are known by name."""

from __future__ import annotations

from itertools import permutations

from minirnn.course.exercise import Mistake

SPLIT_X = "axr, axz, axn = np.split("
SPLIT_H = "ahr, ahz, ahn = np.split("
GATES = "r, z = sigmoid(axr + ahr), sigmoid(axz + ahz)"
NEW = "n = np.tanh(axn + r * ahn)"
MEAN = "h = (1 - z) * n + z * state.h"
WH_N = "params.Wh[:, -state.h.shape[1] :]"
BH_N = "params.bh[-state.h.shape[1] :]"

ELSEWHERE = {"zrn": " as in Keras and ONNX"}  # who else stands in which order
SAME_AS = {"zrn": " (the same happens when r and z are exchanged where n and h are made)"}


def _orders() -> tuple[Mistake, ...]:
    """All other orders of the three blocks: the equations are right, the columns belong to other gates."""
    found = []
    for order in map("".join, permutations("rzn")):
        if order == "rzn":
            continue
        changes = tuple((split, f"{', '.join(f'a{of}{gate}' for gate in order)} = np.split(") for of, split in (("x", SPLIT_X), ("h", SPLIT_H)))  # fmt: skip
        says = f"the columns are read in the order {', '.join(order)}{ELSEWHERE.get(order, '')}; here they stand in the order r, z, n{SAME_AS.get(order, '')}"
        found.append(Mistake(f"order-{order}", says, changes, convention=order in ELSEWHERE))
    return tuple(found)


FORWARD = (
    Mistake("reset-before", "the reset gate stands before the matrix product, (r * h_prev) @ Wh, as in Cho et al. 2014; here it "
            "stands after the product (as in cuDNN and PyTorch) and scales the bias too",
            ((NEW, f"n = np.tanh(axn + (r * state.h) @ {WH_N} + {BH_N})"),), convention=True),
    Mistake("reset-before-all-scaled", "the reset gate stands before the matrix product and scales the bias too; here it scales the "
            "finished product h_prev @ Wh + bh",
            ((NEW, f"n = np.tanh(axn + (r * state.h) @ {WH_N} + r * {BH_N})"),)),
    Mistake("bias-outside-reset", "r scales the product but not the bias bh (or bh is added on the side of x); here it scales both, r * (h_prev @ Wh + bh)",
            ((NEW, f"n = np.tanh(axn + r * (ahn - {BH_N}) + {BH_N})"),)),
    Mistake("reset-missing", "the reset gate is not used: r scales what n takes from the earlier h", ((NEW, "n = np.tanh(axn + ahn)"),)),
    Mistake("reset-on-both", "r scales the part of x too; it scales only what comes from the earlier h", ((NEW, "n = np.tanh(r * (axn + ahn))"),)),
    Mistake("reset-on-x", "r scales the part of x; it scales what comes from the earlier h", ((NEW, "n = np.tanh(r * axn + ahn)"),)),
    Mistake("reset-turned-round", "1 - r stands where r belongs", ((NEW, "n = np.tanh(axn + (1 - r) * ahn)"),)),
    Mistake("reset-outside", "r stands outside tanh; it belongs inside, on the part that comes from the earlier h",
            ((NEW, "n = r * np.tanh(axn + ahn)"),)),
    Mistake("z-on-candidate", "the update gate stands where the reset gate belongs, in n", ((NEW, "n = np.tanh(axn + z * ahn)"),)),
    Mistake("reset-on-h", "r multiplies the earlier h as it is; it multiplies the finished product h_prev @ Wh + bh",
            ((NEW, "n = np.tanh(axn + r * state.h)"),)),
    Mistake("n-without-state", "n does not see the earlier h: the part r * ahn is missing", ((NEW, "n = np.tanh(axn)"),)),
    Mistake("n-without-x", "n does not see x: the part axn is missing", ((NEW, "n = np.tanh(r * ahn)"),)),
    Mistake("n-minus", "the part of the earlier h is subtracted in n; the two parts add up", ((NEW, "n = np.tanh(axn - r * ahn)"),)),
    Mistake("n-product", "the parts of n are multiplied; they add up", ((NEW, "n = np.tanh(axn * r * ahn)"),)),
    Mistake("tanh-apart", "tanh is taken of each part of n by itself; it is taken once, of the sum",
            ((NEW, "n = np.tanh(axn) + r * np.tanh(ahn)"),)),
    Mistake("n-sigmoid", "n goes through a sigmoid; it goes through tanh", ((NEW, "n = sigmoid(axn + r * ahn)"),)),
    Mistake("n-linear", "n has no tanh", ((NEW, "n = axn + r * ahn"),)),
    Mistake("n-relu", "n goes through a ReLU; it goes through tanh", ((NEW, "n = np.maximum(axn + r * ahn, 0)"),)),
    Mistake("mean-turned-round", "h is z * n + (1 - z) * h_prev, as in Chung et al. 2014; here z is the part of the earlier h that stays", ((MEAN, "h = z * n + (1 - z) * state.h"),), convention=True),
    Mistake("state-not-kept", "the earlier h is not carried over: the term z * h_prev is missing", ((MEAN, "h = (1 - z) * n"),)),
    Mistake("candidate-missing", "the candidate n is not used: the term (1 - z) * n is missing", ((MEAN, "h = z * state.h"),)),
    Mistake("candidate-whole", "n is taken in whole; it enters h as (1 - z) * n", ((MEAN, "h = n + z * state.h"),)),
    Mistake("state-whole", "the earlier h is kept whole; it is scaled by z", ((MEAN, "h = (1 - z) * n + state.h"),)),
    Mistake("both-by-z", "both parts are scaled by z; the candidate is scaled by 1 - z", ((MEAN, "h = z * n + z * state.h"),)),
    Mistake("both-by-1-z", "both parts are scaled by 1 - z; the earlier h is scaled by z", ((MEAN, "h = (1 - z) * n + (1 - z) * state.h"),)),
    Mistake("update-missing", "the update gate is not used: h is n; it is a mean of n and the earlier h", ((MEAN, "h = n"),)),
    Mistake("r-in-mean", "the reset gate stands where the update gate belongs, in the mean of n and the earlier h", ((MEAN, "h = (1 - r) * n + r * state.h"),)),
    Mistake("mean-minus", "the two parts of h are subtracted; they add up", ((MEAN, "h = (1 - z) * n - z * state.h"),)),
    Mistake("h-squashed", "h goes through tanh once more; n has been through it already", ((MEAN, "h = np.tanh((1 - z) * n + z * state.h)"),)),
    Mistake("mean-with-product", "the part that stays is z times a product with Wh; it is z times the earlier h itself", ((MEAN, "h = (1 - z) * n + z * ahn"),)),
    Mistake("gates-linear", "the gates have no sigmoid; a gate is a part between 0 and 1", ((GATES, "r, z = axr + ahr, axz + ahz"),)),
    Mistake("gates-tanh", "the gates go through tanh; a gate is a sigmoid, a part between 0 and 1",
            ((GATES, "r, z = np.tanh(axr + ahr), np.tanh(axz + ahz)"),)),
    Mistake("gates-apart", "the sigmoid is taken of each part by itself; it is taken once, of the sum",
            ((GATES, "r, z = sigmoid(axr) + sigmoid(ahr), sigmoid(axz) + sigmoid(ahz)"),)),
    Mistake("gates-product", "the two parts of a gate are multiplied; they add up", ((GATES, "r, z = sigmoid(axr * ahr), sigmoid(axz * ahz)"),)),
    Mistake("sigmoid-turned-round", "the sigmoid is 1 / (1 + exp(-a)); yours has exp(a), which is 1 minus it",
            ((GATES, "r, z = sigmoid(-axr - ahr), sigmoid(-axz - ahz)"),)),
    Mistake("gates-without-state", "the gates do not see the earlier h; their two parts add up", ((GATES, "r, z = sigmoid(axr), sigmoid(axz)"),)),
    Mistake("gates-without-x", "the gates do not see x; their two parts add up", ((GATES, "r, z = sigmoid(ahr), sigmoid(ahz)"),)),
    Mistake("r-without-state", "r does not see the earlier h", ((GATES, "r, z = sigmoid(axr), sigmoid(axz + ahz)"),)),
    Mistake("z-without-state", "z does not see the earlier h", ((GATES, "r, z = sigmoid(axr + ahr), sigmoid(axz)"),)),
    Mistake("gates-reset", "r scales the earlier h in z too; it does so in n only",
            ((GATES, "r = sigmoid(axr + ahr)\n    z = sigmoid(axz + r * ahz)"),)),
    Mistake("no-bx", "the bias bx is missing", (("x @ params.Wx + params.bx", "x @ params.Wx"),)),
    Mistake("no-bh", "the bias bh is missing", (("state.h @ params.Wh + params.bh", "state.h @ params.Wh"),)),
    Mistake("no-biases", "both biases are missing", (("x @ params.Wx + params.bx", "x @ params.Wx"), ("state.h @ params.Wh + params.bh", "state.h @ params.Wh"))),
    Mistake("biases-exchanged", "bx and bh are exchanged; bh belongs to the product with Wh, where r scales it",
            (("x @ params.Wx + params.bx", "x @ params.Wx + params.bh"), ("state.h @ params.Wh + params.bh", "state.h @ params.Wh + params.bx"))),
    Mistake("bx-twice", "bx is used for both products; the product with Wh has its own bias, bh",
            (("state.h @ params.Wh + params.bh", "state.h @ params.Wh + params.bx"),)),
    Mistake("bx-with-h", "bx is added on the side of h_prev, where r scales it in n; it belongs to the product with Wx",
            (("x @ params.Wx + params.bx", "x @ params.Wx"), ("state.h @ params.Wh + params.bh", "state.h @ params.Wh + params.bh + params.bx"))),
    Mistake("state-ignored", "the earlier h is not used (or taken as zero) in the product with Wh",
            (("state.h @ params.Wh", "0 * state.h @ params.Wh"),)),
    Mistake("tanh-of-state", "tanh is taken of the earlier h once more; h_prev goes into Wh as it is", (("state.h @ params.Wh", "np.tanh(state.h) @ params.Wh"),)),
    Mistake("reset-in-mean", "r scales the part of the earlier h that stays; z alone does", ((MEAN, "h = (1 - z) * n + z * r * state.h"),)),
    Mistake("state-zero", "the earlier h is taken as zero everywhere", (("state.h @ params.Wh", "0 * state.h @ params.Wh"), (MEAN, "h = (1 - z) * n"))),
    Mistake("x-ignored", "the input x is not used", (("x @ params.Wx", "0 * x @ params.Wx"),)),
    Mistake("interleaved", "neighbouring columns are read as the three gates of one unit; here the first H columns are all of r, the next H all of z",
            ((SPLIT_X, "axr, axz, axn = np.moveaxis(("), ("params.bx, 3, axis=1)", "params.bx).reshape(len(x), -1, 3), 2, 0)"),
             (SPLIT_H, "ahr, ahz, ahn = np.moveaxis(("), ("params.bh, 3, axis=1)", "params.bh).reshape(len(x), -1, 3), 2, 0)"))),
    Mistake("not-a-state", "the new h is not packed: return GRUState(h), and the cache", (("return GRUState(h), ", "return h, "),)),
    *_orders(),
)  # fmt: skip

TOP = "dn, dz, dh_prev = dh * (1 - z), dh * (prev.h - n), dh * z"
GATE = "dar, daz = dr * r * (1 - r), dz * z * (1 - z)"
RESET = "dr, dahn = dan * ahn, dan * r"
WEIGHTS_X = "dWx, dbx, dx = x.T @ dax, dax.sum(axis=0), dax @ p.Wx.T"
WEIGHTS_H = "dWh, dbh = prev.h.T @ dah, dah.sum(axis=0)"
BACK = "dh_prev = dh_prev + dah @ p.Wh.T"


def _backward_orders() -> tuple[Mistake, ...]:
    """All other orders of the three blocks."""
    found = []
    for order in map("".join, permutations("rzn")):
        if order == "rzn":
            continue
        changes = (
            ("dah = np.concatenate([dar, daz, dahn]", f"dah = np.concatenate([{', '.join('dahn' if g == 'n' else f'da{g}' for g in order)}]"),
            ("dax = np.concatenate([dar, daz, dan]", f"dax = np.concatenate([{', '.join(f'da{g}' for g in order)}]"),
        )  # fmt: skip
        says = (
            f"the blocks stand in the order {', '.join(order)}; the forward function cut its columns in the order r, z, n, "
            "and the gradients go back into the same places"
        )
        found.append(Mistake(f"order-{order}", says, changes))
    return tuple(found)


BACKWARD = (
    Mistake("direct-path-missing", "dh_prev lacks the direct path: h_prev is also read by z * h_prev", ((BACK, "dh_prev = dah @ p.Wh.T"),)),
    Mistake("matrix-path-missing", "dh_prev lacks what comes back through Wh; the gates and the candidate read h_prev too", ((BACK, "dh_prev = dh_prev"),)),
    Mistake("dh-prev-zero", "dh_prev is 0: nothing flows back in time", ((BACK, "dh_prev = 0 * dh"),)),
    Mistake("direct-path-whole", "dh is added to dh_prev as it is; the direct path is scaled by z", ((TOP, "dn, dz, dh_prev = dh * (1 - z), dh * (prev.h - n), dh"),)),
    Mistake("direct-path-1-z", "the direct path to h_prev is scaled by 1 - z; h_prev was multiplied by z",
            ((TOP, "dn, dz, dh_prev = dh * (1 - z), dh * (prev.h - n), dh * (1 - z)"),)),
    Mistake("dh-prev-without-n", "dh_prev lacks what comes back through n: the last H columns of Wh were multiplied by h_prev too",
            ((BACK, "dh_prev = dh_prev + (dah @ p.Wh.T - dahn @ p.Wh[:, -dahn.shape[1] :].T)"),)),
    Mistake("direct-path-minus", "the direct path is subtracted; the readers of h_prev add up", ((BACK, "dh_prev = dah @ p.Wh.T - dh_prev"),)),
    Mistake("dn-whole", "dn is dh as it is; n was multiplied by 1 - z", ((TOP, "dn, dz, dh_prev = dh, dh * (prev.h - n), dh * z"),)),
    Mistake("dn-by-z", "dn is scaled by z; n was multiplied by 1 - z", ((TOP, "dn, dz, dh_prev = dh * z, dh * (prev.h - n), dh * z"),)),
    Mistake("mean-turned-round", "dn, dz and the direct path belong to h = z * n + (1 - z) * h_prev; here z is the part of the earlier h that stays",
            ((TOP, "dn, dz, dh_prev = dh * z, dh * (n - prev.h), dh * (1 - z)"),), convention=True),
    Mistake("z-exchanged", "z and 1 - z are exchanged in dn and in the direct path to h_prev: n was multiplied by 1 - z, h_prev by z",
            ((TOP, "dn, dz, dh_prev = dh * z, dh * (prev.h - n), dh * (1 - z)"),)),
    Mistake("dz-sign", "dz has the wrong sign: z multiplies h_prev, and 1 - z multiplies n", ((TOP, "dn, dz, dh_prev = dh * (1 - z), dh * (n - prev.h), dh * z"),)),
    Mistake("dz-only-state", "dz lacks the term of n: z stands twice in h = (1 - z) * n + z * h_prev",
            ((TOP, "dn, dz, dh_prev = dh * (1 - z), dh * prev.h, dh * z"),)),
    Mistake("dz-only-candidate", "dz lacks the term of h_prev: z stands twice in h = (1 - z) * n + z * h_prev",
            ((TOP, "dn, dz, dh_prev = dh * (1 - z), -dh * n, dh * z"),)),
    Mistake("dz-n-alone", "dz is dh * n; z stands twice in h = (1 - z) * n + z * h_prev, once with a minus",
            ((TOP, "dn, dz, dh_prev = dh * (1 - z), dh * n, dh * z"),)),
    Mistake("dz-plus", "the two terms of dz are added; the one of n has a minus, from 1 - z",
            ((TOP, "dn, dz, dh_prev = dh * (1 - z), dh * (prev.h + n), dh * z"),)),
    Mistake("dz-zero", "dz is 0: the update gate learns nothing", ((TOP, "dn, dz, dh_prev = dh * (1 - z), 0 * dh, dh * z"),)),
    Mistake("dz-whole", "dz is dh as it is; z was multiplied by h_prev, and 1 - z by n", ((TOP, "dn, dz, dh_prev = dh * (1 - z), dh, dh * z"),)),
    Mistake("dz-from-h", "dz uses the new h; z multiplies the earlier h", ((TOP, "dn, dz, dh_prev = dh * (1 - z), dh * ((1 - z) * n + z * prev.h - n), dh * z"),)),
    Mistake("dn-zero", "dn is 0: nothing reaches the candidate", ((TOP, "dn, dz, dh_prev = 0 * dh, dh * (prev.h - n), dh * z"),)),
    Mistake("no-tanh-derivative", "the derivative of tanh is missing at n", (("dan = dn * (1 - n**2)", "dan = dn"),)),
    Mistake("tanh-derivative-1-n", "1 - n is not the derivative of tanh: n is squared", (("dan = dn * (1 - n**2)", "dan = dn * (1 - n)"),)),
    Mistake("tanh-of-tanh", "tanh is taken of n once more in its derivative; n is a tanh already", (("dan = dn * (1 - n**2)", "dan = dn * (1 - np.tanh(n) ** 2)"),)),
    Mistake("n-sigmoid-derivative", "n * (1 - n) is the derivative of the sigmoid; n is a tanh", (("dan = dn * (1 - n**2)", "dan = dn * n * (1 - n)"),)),
    Mistake("tanh-derivative-sign", "the derivative of tanh has the wrong sign at n", (("dan = dn * (1 - n**2)", "dan = dn * (n**2 - 1)"),)),
    Mistake("tanh-value", "dn is multiplied by n where the derivative of tanh belongs", (("dan = dn * (1 - n**2)", "dan = dn * n"),)),
    Mistake("tanh-derivative-h", "the derivative of tanh at n is taken with h_prev; it is 1 minus the square of n itself", (("dan = dn * (1 - n**2)", "dan = dn * (1 - prev.h**2)"),)),
    Mistake("dr-zero", "dr is 0: the reset gate learns nothing", ((RESET, "dr, dahn = 0 * dan, dan * r"),)),
    Mistake("dr-with-h", "dr uses h_prev; what r was multiplied by is the finished product, h_prev @ Wh + bh", ((RESET, "dr, dahn = dan * prev.h, dan * r"),)),
    Mistake("dr-without-bias", "dr uses h_prev @ Wh without the bias; what r was multiplied by is the product with its bias, ahn",
            ((RESET, "dr, dahn = dan * (ahn - p.bh[-ahn.shape[1] :]), dan * r"),)),
    Mistake("dr-whole", "dr is dan as it is; r was multiplied by ahn", ((RESET, "dr, dahn = dan, dan * r"),)),
    Mistake("dr-from-dh", "dr starts from dh; between h and r there are 1 - z and the derivative of tanh", ((RESET, "dr, dahn = dh * ahn, dan * r"),)),
    Mistake("reset-turned-round", "the way back from n to the product with Wh is scaled by 1 - r; it is scaled by r", ((RESET, "dr, dahn = dan * ahn, dan * (1 - r)"),)),
    Mistake("direct-path-r", "the direct path to h_prev is scaled by r; h_prev was multiplied by z", ((TOP, "dn, dz, dh_prev = dh * (1 - z), dh * (prev.h - n), dh * r"),)),
    Mistake("direct-path-and-whole", "dh is added to dh_prev once more; the direct path is dh * z alone", ((TOP, "dn, dz, dh_prev = dh * (1 - z), dh * (prev.h - n), dh * z + dh"),)),
    Mistake("dr-own-factor", "dr uses r itself; the gradient of a factor is the upstream gradient times the *other* factor",
            ((RESET, "dr, dahn = dan * r, dan * r"),)),
    Mistake("factors-exchanged", "dr uses r, and the other factor ahn stands where r belongs: the two are exchanged",
            ((RESET, "dr, dahn = dan * r, dan * ahn"),)),
    Mistake("dr-from-dn", "dr starts from dn; r stands inside tanh, so it starts from dan", ((RESET, "dr, dahn = dn * ahn, dan * r"),)),
    Mistake("dahn-from-dn", "the part of n that comes from h_prev starts from dn; it stands inside tanh, so it starts from dan",
            ((RESET, "dr, dahn = dan * ahn, dn * r"),)),
    Mistake("reset-missing", "the factor r is missing on the way back from n to the product with Wh: dWh, dbh and dh_prev need it in the block of n",
            ((RESET, "dr, dahn = dan * ahn, dan"),)),
    Mistake("reset-by-z", "the way back from n to the product with Wh is scaled by z; it is scaled by r", ((RESET, "dr, dahn = dan * ahn, dan * z"),)),
    Mistake("reset-before", "this is the way back for a reset gate that stands before the product, (r * h_prev) @ Wh; here it stands after it",
            ((RESET, "dr, dahn = (dan @ p.Wh[:, -dan.shape[1] :].T) * prev.h, dan"),
             (WEIGHTS_H, "dWh, dbh = prev.h.T @ dah, dah.sum(axis=0)\n    H = dan.shape[1]\n    dWh = np.concatenate([dWh[:, :-H], (r * prev.h).T @ dan], axis=1)"),
             (BACK, "dh_prev = dh_prev + dah[:, :-H] @ p.Wh[:, :-H].T + r * (dan @ p.Wh[:, -H:].T)")), convention=True),
    Mistake("dWh-without-reset", "dWh lacks the factor r in the block of n: it needs what goes back through Wh, not what goes back through Wx",
            ((WEIGHTS_H, "dWh, dbh = prev.h.T @ dax, dah.sum(axis=0)"),)),
    Mistake("dbh-without-reset", "dbh is the same as dbx; in the block of n it has the factor r, because r scales that bias",
            ((WEIGHTS_H, "dWh, dbh = prev.h.T @ dah, dax.sum(axis=0)"),)),
    Mistake("dWh-dbh-without-reset", "dWh and dbh lack the factor r in the block of n: they need what goes back through Wh, not what goes back through Wx",
            ((WEIGHTS_H, "dWh, dbh = prev.h.T @ dax, dax.sum(axis=0)"),)),
    Mistake("dh-prev-without-reset", "dh_prev lacks the factor r in the block of n: it needs what goes back through Wh",
            ((BACK, "dh_prev = dh_prev + dax @ p.Wh.T"),)),
    Mistake("reset-on-x", "the factor r stands on the side of x as well; it scales only what comes from h_prev",
            ((WEIGHTS_X, "dWx, dbx, dx = x.T @ dah, dah.sum(axis=0), dah @ p.Wx.T"),)),
    Mistake("dbx-with-reset", "dbx has the factor r in the block of n; r scales the other bias, bh", ((WEIGHTS_X, "dWx, dbx, dx = x.T @ dax, dah.sum(axis=0), dax @ p.Wx.T"),)),
    Mistake("dx-with-reset", "dx has the factor r in the block of n; r scales only what comes from h_prev", ((WEIGHTS_X, "dWx, dbx, dx = x.T @ dax, dax.sum(axis=0), dah @ p.Wx.T"),)),
    Mistake("dWx-with-reset", "dWx has the factor r in the block of n; r scales only what comes from h_prev", ((WEIGHTS_X, "dWx, dbx, dx = x.T @ dah, dax.sum(axis=0), dax @ p.Wx.T"),)),
    Mistake("sides-exchanged", "what goes back through Wx and what goes back through Wh are exchanged: the factor r belongs to the side of h_prev",
            (("dah = np.concatenate([dar, daz, dahn]", "dah = np.concatenate([dar, daz, dan]"), ("dax = np.concatenate([dar, daz, dan]", "dax = np.concatenate([dar, daz, dahn]"))),
    Mistake("no-derivatives", "the derivatives of tanh and sigmoid are missing", (("dan = dn * (1 - n**2)", "dan = dn"), (GATE, "dar, daz = dr, dz"))),
    Mistake("no-gate-derivatives", "the derivative of the sigmoid is missing at r and z", ((GATE, "dar, daz = dr, dz"),)),
    Mistake("no-derivative-r", "the derivative of the sigmoid is missing at r", ((GATE, "dar, daz = dr, dz * z * (1 - z)"),)),
    Mistake("no-derivative-z", "the derivative of the sigmoid is missing at z", ((GATE, "dar, daz = dr * r * (1 - r), dz"),)),
    Mistake("half-derivative", "half of the sigmoid's derivative is missing at r and z: s alone is not enough", ((GATE, "dar, daz = dr * r, dz * z"),)),
    Mistake("half-derivative-r", "half of the sigmoid's derivative is missing at r", ((GATE, "dar, daz = dr * r, dz * z * (1 - z)"),)),
    Mistake("half-derivative-z", "half of the sigmoid's derivative is missing at z", ((GATE, "dar, daz = dr * r * (1 - r), dz * z"),)),
    Mistake("one-minus-sigmoid", "half of the sigmoid's derivative is missing at r and z: 1 - s alone is not enough", ((GATE, "dar, daz = dr * (1 - r), dz * (1 - z)"),)),
    Mistake("one-minus-r", "half of the sigmoid's derivative is missing at r: 1 - r alone is not enough", ((GATE, "dar, daz = dr * (1 - r), dz * z * (1 - z)"),)),
    Mistake("one-minus-z", "half of the sigmoid's derivative is missing at z: 1 - z alone is not enough", ((GATE, "dar, daz = dr * r * (1 - r), dz * (1 - z)"),)),
    Mistake("gates-tanh-derivative", "1 - s**2 is the derivative of tanh; r and z are sigmoids", ((GATE, "dar, daz = dr * (1 - r**2), dz * (1 - z**2)"),)),
    Mistake("tanh-derivative-r", "1 - r**2 is the derivative of tanh; r is a sigmoid", ((GATE, "dar, daz = dr * (1 - r**2), dz * z * (1 - z)"),)),
    Mistake("tanh-derivative-z", "1 - z**2 is the derivative of tanh; z is a sigmoid", ((GATE, "dar, daz = dr * r * (1 - r), dz * (1 - z**2)"),)),
    Mistake("sigmoid-of-sigmoid", "the sigmoid is taken once more in its derivative; r and z are sigmoids already",
            ((GATE, "s = lambda v: (1 / (1 + np.exp(-v))) * (1 - 1 / (1 + np.exp(-v)))\n    dar, daz = dr * s(r), dz * s(z)"),)),
    Mistake("derivatives-exchanged", "r's derivative stands at z and z's at r", ((GATE, "dar, daz = dr * z * (1 - z), dz * r * (1 - r)"),)),
    Mistake("sigmoid-sign", "s * (s - 1) has the wrong sign: the derivative of the sigmoid is never negative", ((GATE, "dar, daz = dr * r * (r - 1), dz * z * (z - 1)"),)),
    *_backward_orders(),
    Mistake("biases-exchanged", "dbx and dbh are exchanged: the order is GRUParams(Wx, Wh, bx, bh)", (("GRUParams(dWx, dWh, dbx, dbh)", "GRUParams(dWx, dWh, dbh, dbx)"),)),
    Mistake("swapped-weights", "dWx and dWh are exchanged: the order is GRUParams(Wx, Wh, bx, bh)", (("GRUParams(dWx, dWh, dbx, dbh)", "GRUParams(dWh, dWx, dbx, dbh)"),)),
    Mistake("mean-over-batch", "the gradients of the parameters are divided by N; the loss has already been averaged, gradients add up",
            (("GRUParams(dWx, dWh, dbx, dbh)", "GRUParams(dWx / len(x), dWh / len(x), dbx / len(x), dbh / len(x))"),)),
    Mistake("db-mean", "dbx and dbh are means over the batch; biases were added to every row, so their gradients add up",
            (("GRUParams(dWx, dWh, dbx, dbh)", "GRUParams(dWx, dWh, dbx / len(x), dbh / len(x))"),)),
    Mistake("db-wrong-axis", "dbx and dbh are summed over the columns; they have one entry per column and add up over the batch",
            (("GRUParams(dWx, dWh, dbx, dbh)", "GRUParams(dWx, dWh, dax.sum(axis=1), dah.sum(axis=1))"),)),
    Mistake("db-not-summed", "dbx and dbh are not added up over the batch", (("GRUParams(dWx, dWh, dbx, dbh)", "GRUParams(dWx, dWh, dax, dah)"),)),
    Mistake("dWh-from-h", "dWh uses the new h; what was multiplied by Wh is the earlier h",
            ((WEIGHTS_H, "dWh, dbh = ((1 - z) * n + z * prev.h).T @ dah, dah.sum(axis=0)"),)),
    Mistake("dWh-from-reset-h", "dWh uses r * h_prev; the reset gate stands after the product, so h_prev itself was multiplied by Wh",
            ((WEIGHTS_H, "dWh, dbh = (r * prev.h).T @ dah, dah.sum(axis=0)"),)),
    Mistake("dWh-from-reset-h-n", "the block of n of dWh uses r * h_prev and the factor r besides: r is counted twice",
            ((WEIGHTS_H, WEIGHTS_H + "\n    dWh = np.concatenate([dWh[:, : -dan.shape[1]], (r * prev.h).T @ dahn], axis=1)"),)),
    Mistake("dWh-from-x", "dWh uses x; what was multiplied by Wh is the earlier h", ((WEIGHTS_H, "dWh, dbh = x.T @ dah, dah.sum(axis=0)"),)),
    Mistake("dWh-transposed", "dWh is transposed: rows belong to what came in (H), columns to the three gates", ((WEIGHTS_H, "dWh, dbh = dah.T @ prev.h, dah.sum(axis=0)"),)),
    Mistake("dWx-transposed", "dWx is transposed: rows belong to what came in (D), columns to the three gates", ((WEIGHTS_X, "dWx, dbx, dx = dax.T @ x, dax.sum(axis=0), dax @ p.Wx.T"),)),
    Mistake("dx-through-Wh", "dx goes back through Wh; x came in through Wx", ((WEIGHTS_X, "dWx, dbx, dx = x.T @ dax, dax.sum(axis=0), dax @ p.Wh.T"),)),
    Mistake("stacked-rows", "the three blocks are put below each other; they stand side by side, axis 1, as they were cut",
            (("[dar, daz, dahn], axis=1", "[dar, daz, dahn], axis=0"), ("[dar, daz, dan], axis=1", "[dar, daz, dan], axis=0"))),
    Mistake("one-bias", "there is one gradient for the biases; the GRU has two, GRUParams(Wx, Wh, bx, bh)",
            (("GRUParams(dWx, dWh, dbx, dbh)", "(dWx, dWh, dbx)"),)),
    Mistake("flat", "the gradients of state and parameters are not packed: return dx, GRUState(...), GRUParams(...)",
            (("return dx, GRUState(dh_prev), GRUParams(dWx, dWh, dbx, dbh)", "return dx, dh_prev, dWx, dWh, dbx, dbh"),)),
    Mistake("not-a-state", "dh_prev is not packed: it has the structure of the state, GRUState(dh_prev)", (("GRUState(dh_prev)", "dh_prev"),)),
)  # fmt: skip
