"""What goes wrong in batch normalisation: the known mistakes of norm1 and norm2."""

from __future__ import annotations

from minirnn.course.exercise import Mistake

_MEAN = "mean = rows.mean(axis=0)\n"
_VAR = "var = ((rows - mean) ** 2).mean(axis=0)"
_NEXT_MEAN = "next_mean = momentum * running.mean + (1 - momentum) * mean"
_NEXT_VAR = "next_var = momentum * running.var + (1 - momentum) * var"
_RUNNING = "running = RunningStats(next_mean, next_var)"
_EVAL = "mean, var = running"
_STD = "std = np.sqrt(var + eps)"
_XHAT = "xhat = (rows - mean) / std"
_Y = "y = params.gamma * xhat + params.beta"
_UNBIASED = "var * len(rows) / (len(rows) - 1)"

NORM1 = (
    Mistake("eps-outside", "eps is added to the standard deviation; it is added to the variance, under the root",
            ((_STD, "std = np.sqrt(var) + eps"),)),
    Mistake("no-eps", "eps is missing; a feature that is constant divides 0 by 0", ((_STD, "std = np.sqrt(var)"),)),
    Mistake("eps-fixed", "eps is always 1e-5; it is an argument", ((_STD, "std = np.sqrt(var + 1e-5)"),)),
    Mistake("eps-instead-of-added", "eps only replaces a variance that is too small; it is always added",
            ((_STD, "std = np.sqrt(np.maximum(var, eps))"),)),
    Mistake("no-root", "x - mean is divided by the variance; divide by its root", ((_STD, "std = var + eps"),)),
    Mistake("multiplied", "x - mean is multiplied by the standard deviation; it is divided by it", ((_XHAT, "xhat = (rows - mean) * std"),)),
    Mistake("not-divided", "the division by the standard deviation is missing", ((_XHAT, "xhat = rows - mean"),)),
    Mistake("not-centred", "the mean is not taken away from x", ((_XHAT, "xhat = rows / std"),)),
    Mistake("sign", "it is x - mean, not mean - x", ((_XHAT, "xhat = (mean - rows) / std"),)),
    Mistake("second-moment", "the mean of x**2 is no variance: take the mean away before squaring",
            ((_VAR, "var = (rows**2).mean(axis=0)"),)),
    Mistake("std-as-var", "the standard deviation stands where the variance belongs: its root is taken twice",
            ((_VAR, "var = rows.std(axis=0)"),)),
    Mistake("absolute-deviation", "the mean absolute deviation is taken; the variance is the mean of the squares",
            ((_VAR, "var = np.abs(rows - mean).mean(axis=0)"),)),
    Mistake("var-summed", "the squares are summed; the variance is their mean", ((_VAR, "var = ((rows - mean) ** 2).sum(axis=0)"),)),
    Mistake("unbiased", "the variance is divided by count - 1, also where it normalises; here it is divided by the count",
            ((_VAR, "var = rows.var(axis=0, ddof=1)"),), convention=True),
    Mistake("running-unbiased", "the running variance is divided by count - 1, as in PyTorch; here it is divided by the count, as in "
            "ONNX and Keras", ((_NEXT_VAR, _NEXT_VAR.replace("* var", f"* {_UNBIASED}")),), convention=True),
    Mistake("momentum", "momentum is the share of the new value, as in PyTorch; here it is the share of the old value that is kept, "
            "as in ONNX and Keras",
            ((_NEXT_MEAN, "next_mean = (1 - momentum) * running.mean + momentum * mean"),
             (_NEXT_VAR, "next_var = (1 - momentum) * running.var + momentum * var")), convention=True),
    Mistake("momentum-and-unbiased", "momentum is the share of the new value and the running variance is divided by count - 1, as in "
            "PyTorch; here momentum is the share of the old value, and the division is by the count",
            ((_NEXT_MEAN, "next_mean = (1 - momentum) * running.mean + momentum * mean"),
             (_NEXT_VAR, f"next_var = (1 - momentum) * running.var + momentum * {_UNBIASED}")), convention=True),
    Mistake("momentum-of-mean", "the shares of old and new are exchanged in the running mean (but not in the running variance)",
            ((_NEXT_MEAN, "next_mean = (1 - momentum) * running.mean + momentum * mean"),)),
    Mistake("momentum-of-var", "the shares of old and new are exchanged in the running variance (but not in the running mean)",
            ((_NEXT_VAR, "next_var = (1 - momentum) * running.var + momentum * var"),)),
    Mistake("not-updated", "the running statistics stay as they are in training; each training step moves them on",
            (("        " + _RUNNING + "\n", ""),)),
    Mistake("mean-not-updated", "the running mean stays as it is in training; each training step moves it on",
            (("(next_mean, next_var)", "(running.mean, next_var)"),)),
    Mistake("var-not-updated", "the running variance stays as it is in training; each training step moves it on",
            (("(next_mean, next_var)", "(next_mean, running.var)"),)),
    Mistake("running-replaced", "the running statistics are replaced by those of the batch; momentum of the old value is kept",
            (("(next_mean, next_var)", "(mean, var)"),)),
    Mistake("share-missing", "the factor 1 - momentum is missing: the shares of old and new must add up to 1",
            ((_NEXT_MEAN, "next_mean = momentum * running.mean + mean"), (_NEXT_VAR, "next_var = momentum * running.var + var"))),
    Mistake("old-undiminished", "the old running values are not multiplied by momentum: the shares of old and new must add up to 1",
            ((_NEXT_MEAN, "next_mean = running.mean + (1 - momentum) * mean"),
             (_NEXT_VAR, "next_var = running.var + (1 - momentum) * var"))),
    Mistake("momentum-fixed", "momentum is always 0.9; it is an argument",
            ((_NEXT_MEAN, "next_mean = 0.9 * running.mean + 0.1 * mean"), (_NEXT_VAR, "next_var = 0.9 * running.var + 0.1 * var"))),
    Mistake("running-std", "the running variance collects standard deviations; it is an average of variances",
            ((_NEXT_VAR, _NEXT_VAR.replace("* var", "* np.sqrt(var)")),)),
    Mistake("running-with-eps", "eps is added to the running variance as well; it is added only under the root",
            ((_NEXT_VAR, _NEXT_VAR.replace("* var", "* (var + eps)")),)),
    Mistake("running-std-with-eps", "the running variance collects sqrt(var + eps); it is an average of variances",
            ((_NEXT_VAR, _NEXT_VAR.replace("* var", "* np.sqrt(var + eps)")),)),
    Mistake("running-swapped", "running mean and variance are exchanged: RunningStats(mean, var)",
            (("(next_mean, next_var)", "(next_var, next_mean)"),)),
    Mistake("updated-in-evaluation", "the running statistics move on in evaluation too; only training moves them",
            ((_EVAL, _EVAL + "\n        running = RunningStats(momentum * mean + (1 - momentum) * rows.mean(axis=0), momentum * var + "
              "(1 - momentum) * rows.var(axis=0))"),)),
    Mistake("batch-in-evaluation", "evaluation uses the statistics of the batch; it uses the running ones, so that one example's result "
            "does not depend on the others", ((_EVAL, "mean, var = rows.mean(axis=0), rows.var(axis=0)"),)),
    Mistake("training-ignored", "evaluation is treated like training: the batch's own statistics are used and the running ones move on",
            (("if training:", "if True:"),)),
    Mistake("evaluation-always", "training is treated like evaluation: the running statistics are used, and stay as they are",
            (("if training:", "if False:"),)),
    Mistake("training-reversed", "training and evaluation are exchanged", (("if training:", "if not training:"),)),
    Mistake("running-in-training", "training normalises with the running statistics; it uses those of the batch",
            ((_RUNNING, "(mean, var), running = running, RunningStats(next_mean, next_var)"),)),
    Mistake("next-running-in-training", "training normalises with the new running statistics; it uses those of the batch",
            ((_RUNNING, _RUNNING + "\n        mean, var = running"),)),
    Mistake("eval-as-std", "evaluation takes the running variance for a standard deviation; its root is missing",
            ((_EVAL, "mean, var = running.mean, running.var**2 - eps"),)),
    Mistake("eval-without-eps", "eps is missing in evaluation; it is added to the running variance too", ((_EVAL, "mean, var = running.mean, running.var - eps"),)),
    Mistake("eval-identity", "evaluation does not normalise; it does, with the running statistics", ((_EVAL, "mean, var = 0 * running.mean, 0 * running.var + 1 - eps"),)),
    Mistake("per-row", "the statistics are taken over the features of each row (that is layer normalisation); they are taken over the "
            "batch, for each feature by itself",
            ((_MEAN, "mean = rows.mean(axis=1, keepdims=True)\n"), (_VAR, "var = ((rows - mean) ** 2).mean(axis=1, keepdims=True)"),
             (_RUNNING, "running = RunningStats(next_mean.mean(axis=0), next_var.mean(axis=0))"))),
    Mistake("per-row-kept", "the statistics are taken over the features of each row (that is layer normalisation); they are taken over "
            "the batch, for each feature by itself",
            ((_MEAN, "mean = rows.mean(axis=1, keepdims=True)\n"), (_VAR, "var = ((rows - mean) ** 2).mean(axis=1, keepdims=True)"))),
    Mistake("over-everything", "one mean and one variance are taken over all features; each feature has its own",
            ((_MEAN, "mean = rows.mean()\n"), (_VAR, "var = ((rows - mean) ** 2).mean()"))),
    Mistake("pixels-apart", "every pixel has statistics of its own; those of a channel are taken over batch, rows and columns (every "
            "axis but the last)", (("rows = x.reshape(-1, x.shape[-1])", "rows = x"),)),
    Mistake("only-images", "the axes are those of images, 0, 1 and 2; x may be (N, D) as well: take all axes but the last",
            (("rows = x.reshape(-1, x.shape[-1])", "rows = x"), (_MEAN, "mean = rows.mean(axis=(0, 1, 2))\n"),
             (_VAR, "var = ((rows - mean) ** 2).mean(axis=(0, 1, 2))"))),
    Mistake("no-beta", "beta is missing", ((_Y, "y = params.gamma * xhat"),)),
    Mistake("no-gamma", "gamma is missing", ((_Y, "y = xhat + params.beta"),)),
    Mistake("no-scale-and-shift", "gamma and beta are not used", ((_Y, "y = xhat"),)),
    Mistake("gamma-beta-swapped", "gamma and beta are exchanged: gamma multiplies, beta is added", ((_Y, "y = params.beta * xhat + params.gamma"),)),
    Mistake("beta-inside", "beta is added before gamma multiplies; y = gamma * xhat + beta", ((_Y, "y = params.gamma * (xhat + params.beta)"),)),
    Mistake("beta-subtracted", "beta is subtracted; it is added", ((_Y, "y = params.gamma * xhat - params.beta"),)),
    Mistake("gamma-divides", "gamma divides; it multiplies", ((_Y, "y = xhat / params.gamma + params.beta"),)),
    Mistake("gamma-plus-one", "gamma is added to 1; it is the factor itself", ((_Y, "y = (1 + params.gamma) * xhat + params.beta"),)),
    Mistake("not-reshaped", "y is left in rows; it has the shape of x", (("(y.reshape(x.shape), running)", "(y, running)"),)),
    Mistake("result-not-paired", "y and running are not together in a pair, or one of them or the cache is missing: the result is "
            "((y, running), cache)", (("(y.reshape(x.shape), running), ", "y.reshape(x.shape), "),)),
    Mistake("flat-result", "three results in a row; y and running belong together: ((y, running), cache)",
            (("(y.reshape(x.shape), running), ", "y.reshape(x.shape), running, "),)),
    Mistake("plain-tuple", "the running statistics come back in a plain tuple; put them in RunningStats(mean, var)",
            (("y.reshape(x.shape), running)", "y.reshape(x.shape), tuple(running))"),)),
    Mistake("order", "running comes before y; the result is ((y, running), cache)", (("(y.reshape(x.shape), running)", "(running, y.reshape(x.shape))"),)),
)  # fmt: skip

_DGAMMA = "dgamma = (dy * xhat).sum(axis=0)"
_DBETA = "dbeta = dy.sum(axis=0)"
_DXHAT = "dxhat = dy * gamma"
_BY_MEAN = "through_mean = dxhat.mean(axis=0)"
_BY_VAR = "through_var = xhat * (dxhat * xhat).mean(axis=0)"
_ALL = "dxhat = dxhat - through_mean - through_var"
_DX = "dx = dxhat / std"
_RESULT = "return dx.reshape(shape), None, NormParams(dgamma, dbeta)"
_CONSTANTS = (
    "mean and variance are treated as constants; in training they were made from x too, and each sends a part back"
)

NORM2 = (
    Mistake("statistics-constant", _CONSTANTS, ((_ALL, "dxhat = dxhat - 0 * through_mean - 0 * through_var"),)),
    Mistake("no-mean-term", "what comes back through the mean is missing: mean was made from x too, so dx adds up to 0 over the batch",
            ((_ALL, "dxhat = dxhat - through_var"),)),
    Mistake("no-var-term", "what comes back through the variance is missing: var was made from x too", ((_ALL, "dxhat = dxhat - through_mean"),)),
    Mistake("mean-term-sign", "what comes back through the mean has the wrong sign", ((_ALL, "dxhat = dxhat + through_mean - through_var"),)),
    Mistake("var-term-sign", "what comes back through the variance has the wrong sign", ((_ALL, "dxhat = dxhat - through_mean + through_var"),)),
    Mistake("both-signs", "what comes back through mean and variance is added; it is taken away", ((_ALL, "dxhat = dxhat + through_mean + through_var"),)),
    Mistake("sums-for-means", "what comes back through mean and variance is summed over the rows; a division by their number is missing",
            ((_BY_MEAN, "through_mean = dxhat.sum(axis=0)"), (_BY_VAR, "through_var = xhat * (dxhat * xhat).sum(axis=0)"))),
    Mistake("mean-term-summed", "what comes back through the mean is not divided by the number of rows",
            ((_BY_MEAN, "through_mean = dxhat.sum(axis=0)"),)),
    Mistake("var-term-summed", "what comes back through the variance is not divided by the number of rows",
            ((_BY_VAR, "through_var = xhat * (dxhat * xhat).sum(axis=0)"),)),
    Mistake("divided-by-batch", "it is divided by N, the batch; a channel's statistics were taken over all pixels of all images: N * H * W",
            ((_BY_MEAN, "through_mean = dxhat.sum(axis=0) / shape[0]"), (_BY_VAR, "through_var = xhat * (dxhat * xhat).sum(axis=0) / shape[0]"))),
    Mistake("var-term-half", "what comes back through the variance is half of what it should be: the derivative of the square has a 2",
            ((_BY_VAR, _BY_VAR + " / 2"),)),
    Mistake("var-term-double", "what comes back through the variance is doubled: the derivative of the root has a 1/2", ((_BY_VAR, _BY_VAR + " * 2"),)),
    Mistake("var-term-power", "the power of var + eps is wrong in what comes back through the variance: the derivative of v**-0.5 is "
            "-0.5 * v**-1.5", ((_BY_VAR, _BY_VAR + " * std**2"),)),
    Mistake("var-term-power-1", "the power of var + eps is wrong in what comes back through the variance: the derivative of v**-0.5 is "
            "-0.5 * v**-1.5", ((_BY_VAR, _BY_VAR + " * std"),)),
    Mistake("var-term-power-2", "the power of var + eps is wrong in what comes back through the variance: the derivative of v**-0.5 is "
            "-0.5 * v**-1.5", ((_BY_VAR, _BY_VAR + " / std"),)),
    Mistake("mean-term-not-divided", "what comes back through the mean is not divided by the standard deviation",
            ((_BY_MEAN, _BY_MEAN + " * std"),)),
    Mistake("xhat-missing", "what comes back through the variance is the same for all rows; each row's part is in proportion to its xhat",
            ((_BY_VAR, "through_var = (dxhat * xhat).mean(axis=0)"),)),
    Mistake("xhat-missing-inside", "in what comes back through the variance, dxhat is not multiplied by xhat before the mean is taken",
            ((_BY_VAR, "through_var = xhat * dxhat.mean(axis=0)"),)),
    Mistake("unbiased", "what comes back through the variance is divided by count - 1, as if the forward pass had done so; here it "
            "divides by the count", ((_BY_VAR, "through_var = xhat * (dxhat * xhat).sum(axis=0) / (len(xhat) - 1)"),), convention=True),
    Mistake("mean-term-without-gamma", "gamma is missing in what comes back through the mean", ((_BY_MEAN, "through_mean = dy.mean(axis=0)"),)),
    Mistake("var-term-without-gamma", "gamma is missing in what comes back through the variance",
            ((_BY_VAR, "through_var = xhat * (dy * xhat).mean(axis=0)"),)),
    Mistake("terms-without-gamma", "gamma is missing in what comes back through mean and variance",
            ((_BY_MEAN, "through_mean = dy.mean(axis=0)"), (_BY_VAR, "through_var = xhat * (dy * xhat).mean(axis=0)"))),
    Mistake("no-gamma", "gamma is missing in dx: xhat was multiplied by it", ((_DXHAT, "dxhat = dy"),)),
    Mistake("gamma-divides", "dy is divided by gamma; xhat was multiplied by it, and so is its gradient", ((_DXHAT, "dxhat = dy / gamma"),)),
    Mistake("gamma-squared", "gamma is counted twice in dx", ((_DXHAT, "dxhat = dy * gamma**2"),)),
    Mistake("no-std", "dx is not divided by the standard deviation", ((_DX, "dx = dxhat"),)),
    Mistake("std-multiplies", "dx is multiplied by the standard deviation; x was divided by it, and so is its gradient", ((_DX, "dx = dxhat * std"),)),
    Mistake("var-divides", "dx is divided by the variance; the forward pass divided by its root", ((_DX, "dx = dxhat / std**2"),)),
    Mistake("root-twice", "dx is divided by the root of std; std is a root already", ((_DX, "dx = dxhat / np.sqrt(std)"),)),
    Mistake("dx-mean", "dx is divided by the number of rows once too often", ((_DX, "dx = dxhat / std / len(xhat)"),)),
    Mistake("dx-sign", "dx has the wrong sign", ((_DX, "dx = -dxhat / std"),)),
    Mistake("training-ignored", "in evaluation mean and variance do not depend on x: nothing comes back through them then",
            (("if training:", "if True:"),)),
    Mistake("training-reversed", "training and evaluation are exchanged: the batch's statistics depend on x, the running ones do not",
            (("if training:", "if not training:"),)),
    Mistake("over-features", "the means are taken over the features of each row (that is layer normalisation); they are taken over the rows",
            ((_BY_MEAN, "through_mean = dxhat.mean(axis=1, keepdims=True)"),
             (_BY_VAR, "through_var = xhat * (dxhat * xhat).mean(axis=1, keepdims=True)"))),
    Mistake("over-everything", "one mean is taken over all features; each feature has its own",
            ((_BY_MEAN, "through_mean = dxhat.mean()"), (_BY_VAR, "through_var = xhat * (dxhat * xhat).mean()"))),
    Mistake("dx-pixels-apart", "the means are taken over the batch for each pixel apart; a channel's statistics were taken over all pixels too",
            ((_BY_MEAN, "d, z = dxhat.reshape(shape), xhat.reshape(shape)\n        through_mean = (0 * d + d.mean(axis=0)).reshape(xhat.shape)"),
             (_BY_VAR, "through_var = (z * (d * z).mean(axis=0)).reshape(xhat.shape)"))),
    Mistake("pixels-apart", "the sums and means are taken over the batch only; a channel's gamma, beta and statistics belong to all pixels too",
            (("dy = dout[0].reshape(xhat.shape)", "dy, xhat = dout[0], xhat.reshape(shape)"),)),
    Mistake("dgamma-without-xhat", "dgamma is the sum of dy; gamma was multiplied by xhat, so dy * xhat adds up",
            ((_DGAMMA, "dgamma = dy.sum(axis=0)"),)),
    Mistake("dgamma-with-gamma", "dgamma is multiplied by gamma; the derivative of gamma * xhat by gamma is xhat alone",
            ((_DGAMMA, "dgamma = (dy * gamma * xhat).sum(axis=0)"),)),
    Mistake("dgamma-centred", "dgamma uses x - mean; gamma was multiplied by xhat, which is divided by the standard deviation too",
            ((_DGAMMA, "dgamma = (dy * xhat * std).sum(axis=0)"),)),
    Mistake("dgamma-divided", "dgamma is divided by the standard deviation; xhat is so already", ((_DGAMMA, "dgamma = (dy * xhat / std).sum(axis=0)"),)),
    Mistake("dbeta-with-gamma", "dbeta is multiplied by gamma; beta was added after gamma", ((_DBETA, "dbeta = (dy * gamma).sum(axis=0)"),)),
    Mistake("dbeta-with-xhat", "dbeta is that of gamma; beta was only added, so dy alone adds up", ((_DBETA, "dbeta = (dy * xhat).sum(axis=0)"),)),
    Mistake("means", "dgamma and dbeta are means over the rows; gradients of what all rows share add up",
            ((_DGAMMA, "dgamma = (dy * xhat).mean(axis=0)"), (_DBETA, "dbeta = dy.mean(axis=0)"))),
    Mistake("dgamma-mean", "dgamma is a mean over the rows; gradients of what all rows share add up", ((_DGAMMA, "dgamma = (dy * xhat).mean(axis=0)"),)),
    Mistake("dbeta-mean", "dbeta is a mean over the rows; gradients of what all rows share add up", ((_DBETA, "dbeta = dy.mean(axis=0)"),)),
    Mistake("divided-by-N", "dgamma and dbeta are divided by N; the loss has already been averaged, gradients add up",
            ((_DGAMMA, _DGAMMA + " / shape[0]"), (_DBETA, _DBETA + " / shape[0]"))),
    Mistake("not-summed", "dgamma and dbeta are not added up over the rows: they are (C,)", ((_DGAMMA, "dgamma = dy * xhat"), (_DBETA, "dbeta = dy"))),
    Mistake("dgamma-not-summed", "dgamma is not added up over the rows: it is (C,)", ((_DGAMMA, "dgamma = dy * xhat"),)),
    Mistake("batch-sums", "dgamma and dbeta are added up over the batch only; all pixels share them: they are (C,)",
            ((_DGAMMA, "dgamma = (dy * xhat).reshape(shape).sum(axis=0)"), (_DBETA, "dbeta = dy.reshape(shape).sum(axis=0)"))),
    Mistake("wrong-axis", "dgamma and dbeta are added up over the features; they have one entry per feature, added up over the rows",
            ((_DGAMMA, "dgamma = (dy * xhat).sum(axis=1)"), (_DBETA, "dbeta = dy.sum(axis=1)"))),
    Mistake("total", "dgamma and dbeta are one number each; there is one per feature", ((_DGAMMA, "dgamma = (dy * xhat).sum()"), (_DBETA, "dbeta = dy.sum()"))),
    Mistake("swapped", "dgamma and dbeta are exchanged: the order is that of NormParams(gamma, beta)",
            (("NormParams(dgamma, dbeta)", "NormParams(dbeta, dgamma)"),)),
    Mistake("not-reshaped", "dx is left in rows; it has the shape of x", (("dx.reshape(shape), None", "dx, None"),)),
    Mistake("None-missing", "the None for the running statistics is missing: there is one gradient per argument, x, running, params",
            (("dx.reshape(shape), None, ", "dx.reshape(shape), "),)),
    Mistake("None-last", "the results are in another order than the arguments: x, running, params",
            ((_RESULT, "return dx.reshape(shape), NormParams(dgamma, dbeta), None"),)),
    Mistake("flat-result", "dgamma and dbeta stand alone; the gradient of params is one NormParams(dgamma, dbeta)",
            (("None, NormParams(dgamma, dbeta)", "None, dgamma, dbeta"),)),
    Mistake("params-as-tuple", "dgamma and dbeta are returned in a plain tuple; put them in NormParams(dgamma, dbeta)",
            (("NormParams(dgamma, dbeta)", "(dgamma, dbeta)"),)),
    Mistake("running-gradient", "the running statistics get a gradient; they are not differentiated: None",
            (("shape), None,", "shape), (0 * dgamma, 0 * dgamma),"),)),
    Mistake("dout-not-unpacked", "dout is a pair, (dy, ignored), as the forward function returns (y, running): take dout[0]",
            (("dout[0].reshape", "dout.reshape"),)),
)  # fmt: skip
