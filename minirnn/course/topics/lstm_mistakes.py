"""Mistakes in one step of the LSTM that are known by name."""

from __future__ import annotations

from itertools import permutations

from minirnn.course.exercise import Mistake

SPLIT = "ai, af, ag, ao = np.split("
GATES = "i, f, g, o = sigmoid(ai), sigmoid(af), np.tanh(ag), sigmoid(ao)"
STACK = "[dai, daf, dag, dao]"
PRODUCT = "x @ params.Wx + state.h @ params.Wh + params.b"

# who else stands in which order
ELSEWHERE = {"ifog": " as in CS231n", "iofg": " as in ONNX", "igfo": " as in the first TensorFlow cells"}


def _forward_orders() -> tuple[Mistake, ...]:
    """All other orders of the four blocks: the equations are right, the columns belong to other gates."""
    return tuple(
        Mistake(f"order-{order}", f"the columns are read in the order {', '.join(order)}{ELSEWHERE.get(order, '')}; "
                f"here they stand in the order i, f, g, o"
                + (" (the same happens when i and f are exchanged where c is made)" if order == "figo" else ""),
                ((SPLIT, ", ".join(f"a{gate}" for gate in order) + " = np.split("),), convention=order in ELSEWHERE)
        for order in map("".join, permutations("ifgo"))
        if order != "ifgo"
    )  # fmt: skip


def _backward_orders() -> tuple[Mistake, ...]:
    """All other orders of the four blocks of da."""
    return tuple(
        Mistake(f"order-{order}", f"the blocks of da stand in the order {', '.join(order)}; the forward function cut its "
                "columns in the order i, f, g, o, and the gradients go back into the same places",
                ((STACK, f"[{', '.join(f'da{gate}' for gate in order)}]"),))
        for order in map("".join, permutations("ifgo"))
        if order != "ifgo"
    )  # fmt: skip


FORWARD = (
    Mistake("h-without-tanh", "h is o * c; c goes through tanh first, so that h stays between -1 and 1",
            (("h = o * tc", "h = o * c"),)),
    Mistake("output-gate-missing", "the output gate is not used: h is tanh(c); the gate o decides how much of it is said",
            (("h = o * tc", "h = tc"),)),
    Mistake("output-gate-inside", "the output gate stands inside tanh: h is o times tanh(c), not tanh of o * c",
            (("h = o * tc", "h = np.tanh(o * c)"),)),
    Mistake("h-from-c-prev", "h is made from the earlier c; the new c is what goes through tanh",
            (("tc = np.tanh(c)", "tc = np.tanh(state.c)"),)),
    Mistake("h-from-g", "h is o * tanh(g) or o * g; the output gate opens on the cell c, not on the candidate g",
            (("h = o * tc", "h = o * g"),)),
    Mistake("h-sigmoid-of-c", "c goes through a sigmoid on the way to h; it goes through tanh",
            (("tc = np.tanh(c)", "tc = sigmoid(c)"),)),
    Mistake("c-ignored", "the earlier c is not used (or taken as zero); f * c_prev is what makes the cell remember",
            (("c = f * state.c + i * g", "c = i * g"),)),
    Mistake("h-ignored", "the earlier h is not used (or taken as zero) in the four blocks; h_prev @ Wh belongs in the sum",
            ((PRODUCT, "x @ params.Wx + params.b"),)),
    Mistake("x-ignored", "the input x is not used", ((PRODUCT, "state.h @ params.Wh + params.b"),)),
    Mistake("no-bias", "the bias is missing", ((PRODUCT, "x @ params.Wx + state.h @ params.Wh"),)),
    Mistake("bias-doubled", "the bias is added twice", ((PRODUCT, "x @ params.Wx + state.h @ params.Wh + 2 * params.b"),)),
    Mistake("minus", "the recurrent part is subtracted; the two parts add up", ((PRODUCT, "x @ params.Wx - state.h @ params.Wh + params.b"),)),
    Mistake("product", "the two parts are multiplied; they add up", ((PRODUCT, "(x @ params.Wx) * (state.h @ params.Wh) + params.b"),)),
    Mistake("c-into-gates", "the earlier c goes through Wh; what goes through Wh is the earlier h",
            ((PRODUCT, "x @ params.Wx + state.c @ params.Wh + params.b"),)),
    Mistake("tanh-of-h", "tanh is taken of the earlier h once more; h_prev goes into Wh as it is",
            ((PRODUCT, "x @ params.Wx + np.tanh(state.h) @ params.Wh + params.b"),)),
    Mistake("coupled-gates", "c = f * c_prev + (1 - f) * g couples the two gates (as in a GRU); here the input gate i has "
            "columns of its own", (("c = f * state.c + i * g", "c = f * state.c + (1 - f) * g"),), convention=True),
    Mistake("coupled-gates-i", "c = (1 - i) * c_prev + i * g couples the two gates; here the forget gate f has columns of its own",
            (("c = f * state.c + i * g", "c = (1 - i) * state.c + i * g"),), convention=True),
    Mistake("no-forget-gate", "nothing is forgotten: c = c_prev + i * g is the LSTM of 1997; here f scales the earlier c",
            (("c = f * state.c + i * g", "c = state.c + i * g"),), convention=True),
    Mistake("no-input-gate", "the input gate is not used: g is taken in whole; it enters c as i * g",
            (("c = f * state.c + i * g", "c = f * state.c + g"),)),
    Mistake("forget-turned-round", "c keeps 1 - f of the earlier c; f is the part that is kept, 1 keeps all",
            (("c = f * state.c + i * g", "c = (1 - f) * state.c + i * g"),)),
    Mistake("c-minus", "i * g is subtracted; it is added to what is kept", (("c = f * state.c + i * g", "c = f * state.c - i * g"),)),
    Mistake("c-product", "the kept part and the new part are multiplied; they are added",
            (("c = f * state.c + i * g", "c = f * state.c * i * g"),)),
    Mistake("h-in-c", "the earlier h stands where the earlier c belongs: c = f * c_prev + i * g",
            (("c = f * state.c + i * g", "c = f * state.h + i * g"),)),
    Mistake("g-not-used", "the candidate g is not used: c takes in i alone", (("c = f * state.c + i * g", "c = f * state.c + i"),)),
    Mistake("wrong-gate-on-g", "g is scaled by the output gate; the input gate i decides what is taken in",
            (("c = f * state.c + i * g", "c = f * state.c + o * g"),)),
    Mistake("c-squashed", "the new c has been through tanh; c itself is never squashed, only what h sees of it",
            (("LSTMState(h, c)", "LSTMState(h, tc)"),)),
    Mistake("c-squashed-first", "tanh is taken where c is made; c stays as it is and tanh is taken once, for h",
            (("c = f * state.c + i * g", "c = np.tanh(f * state.c + i * g)"),)),
    Mistake("g-sigmoid", "g goes through a sigmoid; it goes through tanh, so that c can also be lowered",
            ((GATES, "i, f, g, o = sigmoid(ai), sigmoid(af), sigmoid(ag), sigmoid(ao)"),)),
    Mistake("g-linear", "g has no tanh", ((GATES, "i, f, g, o = sigmoid(ai), sigmoid(af), ag, sigmoid(ao)"),)),
    Mistake("g-relu", "g goes through a ReLU; it goes through tanh", ((GATES, "i, f, g, o = sigmoid(ai), sigmoid(af), np.maximum(ag, 0), sigmoid(ao)"),)),
    Mistake("c-prev-squashed", "tanh is taken of the earlier c; f scales c_prev as it is", (("c = f * state.c + i * g", "c = f * np.tanh(state.c) + i * g"),)),
    Mistake("o-on-g-too", "the output gate scales what is taken into c as well; it stands only in h", (("c = f * state.c + i * g", "c = f * state.c + i * g * o"),)),
    Mistake("g-tanh-twice", "g goes through tanh twice", (("i * g", "i * np.tanh(g)"),)),
    Mistake("gates-tanh", "the gates go through tanh; a gate is a sigmoid, a part between 0 and 1",
            ((GATES, "i, f, g, o = np.tanh(ai), np.tanh(af), np.tanh(ag), np.tanh(ao)"),)),
    Mistake("gates-exchanged", "tanh and sigmoid are exchanged: the gates i, f, o are sigmoids, the candidate g is a tanh",
            ((GATES, "i, f, g, o = np.tanh(ai), np.tanh(af), sigmoid(ag), np.tanh(ao)"),)),
    Mistake("gates-linear", "the gates have no sigmoid; a gate is a part between 0 and 1",
            ((GATES, "i, f, g, o = ai, af, np.tanh(ag), ao"),)),
    Mistake("o-tanh", "tanh stands on o; o is a gate, a sigmoid (it is g, the third block, that has the tanh)",
            ((GATES, "i, f, g, o = sigmoid(ai), sigmoid(af), sigmoid(ag), np.tanh(ao)"),)),
    Mistake("sigmoid-turned-round", "the sigmoid is 1 / (1 + exp(-a)); yours has exp(a), which is 1 minus it",
            ((GATES, "i, f, g, o = sigmoid(-ai), sigmoid(-af), np.tanh(ag), sigmoid(-ao)"),)),
    Mistake("hard-sigmoid", "the gates are a hard sigmoid, clip(0.2 * a + 0.5, 0, 1), as in old Keras; the exact sigmoid is asked for",
            ((GATES, "i, f, g, o = (np.clip(0.2 * ai + 0.5, 0, 1), np.clip(0.2 * af + 0.5, 0, 1), np.tanh(ag), "
              "np.clip(0.2 * ao + 0.5, 0, 1))"),), convention=True),
    Mistake("forget-bias", "1 is added inside the forget gate (a forget bias, as in the first TensorFlow cells); here b holds "
            "whatever bias there is", ((GATES, "i, f, g, o = sigmoid(ai), sigmoid(af + 1), np.tanh(ag), sigmoid(ao)"),), convention=True),
    Mistake("interleaved", "neighbouring columns are read as the four gates of one unit; here the first H columns are all of i, the next H all of f",
            ((SPLIT, "ai, af, ag, ao = np.moveaxis(("), (", 4, axis=1)", ").reshape(len(x), -1, 4), 2, 0)"))),
    Mistake("split-on-batch", "the product is cut into four along the batch; the four blocks are columns, axis 1",
            ((", 4, axis=1)", ", 4, axis=0)"),)),
    Mistake("exchanged", "h and c are exchanged: the order is LSTMState(h, c)", (("LSTMState(h, c)", "LSTMState(c, h)"),)),
    Mistake("c-not-renewed", "the earlier c is returned; the new one is handed to the next step", (("LSTMState(h, c)", "LSTMState(h, state.c)"),)),
    Mistake("h-added", "the earlier h is added to the new one; h is o * tanh(c) alone", (("h = o * tc", "h = o * tc + state.h"),)),
    Mistake("not-a-state", "h and c are not packed: return LSTMState(h, c), and the cache",
            (("LSTMState(h, c), (x", "(h, c), (x"),)),
    Mistake("h-only", "only h is returned; the state is LSTMState(h, c), and c is what the cell remembers",
            (("LSTMState(h, c), (x", "h, (x"),)),
    Mistake("three-results", "h, c and the cache are returned one by one; expected LSTMState(h, c) and the cache",
            (("LSTMState(h, c), (x", "h, c, (x"),)),
    *_forward_orders(),
)  # fmt: skip

DO_DC = "do, dc = dh * tc, dc + dh * o * (1 - tc**2)"
DGATES = "dai, daf, dag, dao = di * i * (1 - i), df * f * (1 - f), dg * (1 - g**2), do * o * (1 - o)"


def _derivatives(dai: str, daf: str, dag: str, dao: str) -> tuple[tuple[str, str], ...]:
    return ((DGATES, f"dai, daf, dag, dao = {dai}, {daf}, {dag}, {dao}"),)


def _without_derivative() -> tuple[Mistake, ...]:
    """One gate alone without its derivative, or with that of the other kind."""
    right = {"i": "di * i * (1 - i)", "f": "df * f * (1 - f)", "g": "dg * (1 - g**2)", "o": "do * o * (1 - o)"}
    found = []
    for gate in "ifgo":
        kind = "tanh" if gate == "g" else "sigmoid"
        for key, text, says in (
            ("missing", f"d{gate}", f"the derivative of the {kind} is missing for {gate}"),
            ("half", f"d{gate} * {gate}", f"the derivative at {gate} is not {gate} alone: half of it is missing" if gate != "g"
             else "you multiplied by g; the derivative of tanh is 1 - g**2"),
            ("other", f"d{gate} * (1 - {gate}**2)", f"1 - {gate}**2 is the derivative of tanh; {gate} is a sigmoid"),
            ("first-power", f"d{gate} * (1 - {gate})", f"the derivative at {gate} is not 1 - {gate} alone: half of it is missing" if gate != "g"
             else "1 - g is not the derivative of tanh: g is squared"),
        ):  # fmt: skip
            if (key, gate) != ("other", "g"):  # that one is sigmoid-everywhere
                found.append(Mistake(f"derivative-{key}-{gate}", says, _derivatives(*{**right, gate: text}.values())))
    return tuple(found)


BACKWARD = (
    Mistake("dc-not-added", "the dc from the next step is not used; c has two readers, the next step and h, and both gradients add up",
            ((DO_DC, "do, dc = dh * tc, dh * o * (1 - tc**2)"),)),
    Mistake("dc-added-late", "the dc from the next step reaches dc_prev only; it reaches c, and from there i, f and g too: add it before they are computed",
            ((DO_DC, "do, late, dc = dh * tc, dc, dh * o * (1 - tc**2)"), ("LSTMState(da @ p.Wh.T, dc_prev)", "LSTMState(da @ p.Wh.T, dc_prev + late * f)"))),
    Mistake("dc-only", "h's share of dc is missing in df, dc_prev, di and dg: c is also read by h = o * tanh(c), and that share is added before the line of c is undone", ((DO_DC, "do = dh * tc"),)),
    Mistake("dc-minus", "h's share of dc has the wrong sign: two readers mean that gradients add up, and the derivative of tanh is never negative",
            ((DO_DC, "do, dc = dh * tc, dc - dh * o * (1 - tc**2)"),)),
    Mistake("no-tanh-c-derivative", "the derivative of tanh is missing on the way from h to c",
            ((DO_DC, "do, dc = dh * tc, dc + dh * o"),)),
    Mistake("o-missing-in-dc", "the factor o is missing on the way from h to c: h = o * tanh(c)",
            ((DO_DC, "do, dc = dh * tc, dc + dh * (1 - tc**2)"),)),
    Mistake("tanh-c-derivative-c", "the derivative of tanh is taken with c itself: it is 1 - tanh(c)**2, not 1 - c**2",
            ((DO_DC, "do, dc = dh * tc, dc + dh * o * (1 - (f * prev.c + i * g) ** 2)"),)),
    Mistake("tanh-of-tanh", "tanh is taken of tanh(c) once more in the derivative; it is 1 - tanh(c)**2",
            ((DO_DC, "do, dc = dh * tc, dc + dh * o * (1 - np.tanh(tc) ** 2)"),)),
    Mistake("tanh-c-derivative-1-t", "1 - tanh(c) is not the derivative of tanh: tanh(c) is squared",
            ((DO_DC, "do, dc = dh * tc, dc + dh * o * (1 - tc)"),)),
    Mistake("tanh-c-derivative-sigmoid", "t * (1 - t) is the derivative of the sigmoid; on the way from h to c it is that of tanh",
            ((DO_DC, "do, dc = dh * tc, dc + dh * o * tc * (1 - tc)"),)),
    Mistake("tanh-c-derivative-h", "the derivative of tanh on the way from h to c is taken with h; h is o * tanh(c), and it is tanh(c) that is squared",
            ((DO_DC, "do, dc = dh * tc, dc + dh * o * (1 - (o * tc) ** 2)"),)),
    Mistake("tanh-c-value", "dh is multiplied by tanh(c) where the derivative of tanh belongs",
            ((DO_DC, "do, dc = dh * tc, dc + dh * o * tc"),)),
    Mistake("tc-for-o-in-dc", "the factor on the way from h to c is the other one, o; tanh(c) is the factor for do",
            ((DO_DC, "do, dc = dh * tc, dc + dh * tc * (1 - tc**2)"),)),
    Mistake("dc-squashed", "the dc from the next step goes through the derivative of tanh too; it reaches c directly, only h's share goes through tanh",
            ((DO_DC, "do, dc = dh * tc, (dc + dh * o) * (1 - tc**2)"),)),
    Mistake("dc-squashed-and-gated", "the dc from the next step goes through o and tanh too; it reaches c directly, only dh goes through both",
            ((DO_DC, "do, dc = dh * tc, (dc + dh) * o * (1 - tc**2)"),)),
    Mistake("dh-added-to-dc", "dh is added to dc as it is; it reaches c only through o and tanh",
            ((DO_DC, "do, dc = dh * tc, dc + dh"),)),
    Mistake("do-with-c", "do uses c; what o was multiplied by is tanh(c)", ((DO_DC, "do, dc = dh * (f * prev.c + i * g), dc + dh * o * (1 - tc**2)"),)),
    Mistake("do-whole", "do is dh as it is; o was multiplied by tanh(c)", ((DO_DC, "do, dc = dh, dc + dh * o * (1 - tc**2)"),)),
    Mistake("do-with-o", "do uses o itself; the gradient of a factor is the upstream gradient times the *other* factor",
            ((DO_DC, "do, dc = dh * o, dc + dh * o * (1 - tc**2)"),)),
    Mistake("do-from-dc", "do comes from dc; o is a factor of h, so it comes from dh", (("do * o * (1 - o)", "dc * tc * o * (1 - o)"),)),
    Mistake("do-with-derivative", "do uses the derivative of tanh; what o was multiplied by is tanh(c) itself",
            ((DO_DC, "do, dc = dh * (1 - tc**2), dc + dh * o * (1 - tc**2)"),)),
    Mistake("dc-prev-without-h", "dc_prev uses the dc from the next step alone; h's share of dc belongs to it too", (("dc * f,", "dstate.c * f,"),)),
    Mistake("dc-prev-whole", "dc_prev is dc as it is; c_prev was multiplied by f", (("dc * f,", "dc,"),)),
    Mistake("dc-prev-upstream", "dc_prev is the dc that came in; it is this step's full dc times f", (("dc * f,", "dstate.c,"),)),
    Mistake("dc-prev-with-i", "dc_prev uses the input gate; c_prev was multiplied by the forget gate f", (("dc * f,", "dc * i,"),)),
    Mistake("dc-prev-with-o", "dc_prev uses the output gate; c_prev was multiplied by the forget gate f", (("dc * f,", "dc * o,"),)),
    Mistake("dc-prev-with-c", "dc_prev uses c_prev itself; the gradient of a factor is the upstream gradient times the *other* factor",
            (("dc * f,", "dc * prev.c,"),)),
    Mistake("dc-prev-turned-round", "dc_prev uses 1 - f; c_prev was multiplied by f", (("dc * f,", "dc * (1 - f),"),)),
    Mistake("dc-prev-zero", "dc_prev is 0: nothing flows back along the cell", (("dc * f,", "0 * dc,"),)),
    Mistake("dc-prev-plus-dc", "dc is added to dc_prev once more; c_prev reaches c only through f", (("dc * f,", "dc * f + dstate.c,"),)),
    Mistake("df-with-c", "df uses the new c; f was multiplied by the earlier c", (("dc * prev.c", "dc * (f * prev.c + i * g)"),)),
    Mistake("df-with-tc", "df uses tanh(c); f was multiplied by the earlier c", (("dc * prev.c", "dc * tc"),)),
    Mistake("df-with-h", "df uses the earlier h; f was multiplied by the earlier c", (("dc * prev.c", "dc * prev.h"),)),
    Mistake("df-tanh-c-prev", "df uses tanh of the earlier c; f was multiplied by c_prev as it is", (("dc * prev.c", "dc * np.tanh(prev.c)"),)),
    Mistake("df-zero", "df is 0: the forget gate learns nothing", (("dc * prev.c", "0 * dc"),)),
    Mistake("df-whole", "df is dc as it is; f was multiplied by the earlier c", (("dc * prev.c", "dc"),)),
    Mistake("df-with-f", "df uses f itself; the gradient of a factor is the upstream gradient times the *other* factor", (("dc * prev.c", "dc * f"),)),
    Mistake("di-with-i", "di uses i and dg uses g: the factors are exchanged. The gradient of a factor is the upstream gradient times the *other* factor",
            (("dc * g, dc * i", "dc * i, dc * g"),)),
    Mistake("di-own-factor", "di uses i itself; the gradient of a factor is the upstream gradient times the *other* factor, g", (("dc * g,", "dc * i,"),)),
    Mistake("dg-own-factor", "dg uses g itself; the gradient of a factor is the upstream gradient times the *other* factor", (("dc * i\n", "dc * g\n"),)),
    Mistake("di-whole", "di is dc as it is; i was multiplied by g", (("dc * g,", "dc,"),)),
    Mistake("di-with-c", "di uses the earlier c; i was multiplied by g", (("dc * g,", "dc * prev.c,"),)),
    Mistake("di-zero", "di is 0: the input gate learns nothing", (("dc * g,", "0 * dc,"),)),
    Mistake("dg-whole", "dg is dc as it is; g was multiplied by i", (("dc * i\n", "dc\n"),)),
    Mistake("dg-with-f", "dg uses the forget gate; g was multiplied by the input gate i", (("dc * i\n", "dc * f\n"),)),
    Mistake("dg-with-o", "dg uses the output gate; g was multiplied by the input gate i", (("dc * i\n", "dc * o\n"),)),
    Mistake("dg-zero", "dg is 0: the candidate learns nothing", (("dc * i\n", "0 * dc\n"),)),
    Mistake("df-from-dh", "df comes from dh; f stands in the line of c, so it comes from dc", (("dc * prev.c", "dh * prev.c"),)),
    Mistake("di-from-dh", "di comes from dh; i stands in the line of c, so it comes from dc", (("dc * g,", "dh * g,"),)),
    Mistake("dg-from-dh", "dg comes from dh; g stands in the line of c, so it comes from dc", (("dc * i\n", "dh * i\n"),)),
    Mistake("dc-prev-from-dh", "dc_prev comes from dh; c_prev stands in the line of c, so it comes from dc", (("dc * f,", "dh * f,"),)),
    Mistake("all-from-dh", "df, dc_prev, di and dg come from dh; their line made c, so they come from dc",
            (("df, dc_prev, di, dg = dc * prev.c, dc * f, dc * g, dc * i", "df, dc_prev, di, dg = dh * prev.c, dh * f, dh * g, dh * i"),)),
    Mistake("no-derivatives", "the derivatives of sigmoid and tanh are missing: da is not di, df, dg, do yet", _derivatives("di", "df", "dg", "do")),
    Mistake("no-gate-derivatives", "the derivative of the sigmoid is missing for i, f and o", _derivatives("di", "df", "dg * (1 - g**2)", "do")),
    Mistake("half-sigmoid-derivative", "half of the sigmoid's derivative is missing for i, f and o: s alone is not enough",
            _derivatives("di * i", "df * f", "dg * (1 - g**2)", "do * o")),
    Mistake("one-minus-sigmoid", "half of the sigmoid's derivative is missing for i, f and o: 1 - s alone is not enough",
            _derivatives("di * (1 - i)", "df * (1 - f)", "dg * (1 - g**2)", "do * (1 - o)")),
    Mistake("gates-tanh-derivative", "1 - s**2 is the derivative of tanh; i, f and o are sigmoids",
            _derivatives("di * (1 - i**2)", "df * (1 - f**2)", "dg * (1 - g**2)", "do * (1 - o**2)")),
    Mistake("sigmoid-everywhere", "the block of g uses the sigmoid's derivative g * (1 - g); i, f and o are sigmoids, but g is a tanh: 1 - g**2",
            _derivatives("di * i * (1 - i)", "df * f * (1 - f)", "dg * g * (1 - g)", "do * o * (1 - o)")),
    Mistake("sigmoid-of-sigmoid", "the sigmoid is taken once more in its derivative; i, f and o are sigmoids already",
            (("    da = np", "    s = lambda v: (1 / (1 + np.exp(-v))) * (1 - 1 / (1 + np.exp(-v)))\n"
              "    dai, daf, dao = di * s(i), df * s(f), do * s(o)\n    da = np"),)),
    Mistake("all-of-all", "the activations are taken once more in their derivatives; i, f, o are sigmoids and g is a tanh already",
            (("    da = np", "    s = lambda v: (1 / (1 + np.exp(-v))) * (1 - 1 / (1 + np.exp(-v)))\n"
              "    dai, daf, dao = di * s(i), df * s(f), do * s(o)\n    dag = dg * (1 - np.tanh(g) ** 2)\n    da = np"),)),
    Mistake("g-tanh-of-tanh", "tanh is taken of g once more in the derivative; g is a tanh already: 1 - g**2",
            _derivatives("di * i * (1 - i)", "df * f * (1 - f)", "dg * (1 - np.tanh(g) ** 2)", "do * o * (1 - o)")),
    Mistake("sigmoid-plus", "s * (1 + s) is not the derivative of the sigmoid: a minus belongs there",
            _derivatives("di * i * (1 + i)", "df * f * (1 + f)", "dg * (1 - g**2)", "do * o * (1 + o)")),
    Mistake("sigmoid-sign", "s * (s - 1) has the wrong sign: the derivative of the sigmoid is never negative",
            _derivatives("di * i * (i - 1)", "df * f * (f - 1)", "dg * (1 - g**2)", "do * o * (o - 1)")),
    Mistake("derivatives-if", "the derivative of f stands at i and that of i at f", _derivatives("di * f * (1 - f)", "df * i * (1 - i)", "dg * (1 - g**2)", "do * o * (1 - o)")),
    *_without_derivative(),
    *_backward_orders(),
    Mistake("stacked-rows", "the four blocks of da are put below each other; they stand side by side, axis 1, as they were cut",
            ((f"np.concatenate({STACK}, axis=1)", f"np.concatenate({STACK}, axis=0)"),)),
    Mistake("db-one-gate", "every block of db is that of i; each gate has its own",
            (("da.sum(axis=0)", "np.tile(dai.sum(axis=0), 4)"),)),
    Mistake("db-mean", "db is the mean over the batch; b was added to every row, so its gradients add up",
            (("da.sum(axis=0)", "da.mean(axis=0)"),)),
    Mistake("mean-over-batch", "dWx, dWh and db are divided by N; the loss has already been averaged, gradients add up",
            (("x.T @ da, prev.h.T @ da, da.sum(axis=0)", "x.T @ da / len(x), prev.h.T @ da / len(x), da.mean(axis=0)"),)),
    Mistake("db-wrong-axis", "db is summed over the columns; it has one entry per column and adds up over the batch",
            (("da.sum(axis=0)", "da.sum(axis=1)"),)),
    Mistake("db-not-summed", "db is not added up over the batch", (("da.sum(axis=0)", "da"),)),
    Mistake("dWh-from-h", "dWh uses the new h; what was multiplied by Wh is the earlier h", (("prev.h.T @ da", "(o * tc).T @ da"),)),
    Mistake("dWh-from-c", "dWh uses the earlier c; what was multiplied by Wh is the earlier h", (("prev.h.T @ da", "prev.c.T @ da"),)),
    Mistake("dWh-from-x", "dWh uses x; what was multiplied by Wh is the earlier h", (("prev.h.T @ da", "x.T @ da"),)),
    Mistake("dWx-transposed", "dWx is transposed: rows belong to what came in (D), columns to the four gates",
            (("x.T @ da,", "da.T @ x,"),)),
    Mistake("dWh-transposed", "dWh is transposed: rows belong to what came in (H), columns to the four gates",
            (("prev.h.T @ da", "da.T @ prev.h"),)),
    Mistake("swapped-weights", "dWx and dWh are exchanged: the order is that of LSTMParams(Wx, Wh, b)",
            (("LSTMParams(dWx, dWh, db)", "LSTMParams(dWh, dWx, db)"),)),
    Mistake("dx-through-Wh", "dx goes back through Wh; x came in through Wx", (("return da @ p.Wx.T", "return da @ p.Wh.T"),)),
    Mistake("dh-prev-through-Wx", "dh_prev goes back through Wx; the earlier h came in through Wh", (("LSTMState(da @ p.Wh.T", "LSTMState(da @ p.Wx.T"),)),
    Mistake("dh-prev-first-gate", "dh_prev has the share of one gate alone; the earlier h went into all four", (("LSTMState(da @ p.Wh.T", "LSTMState(dai @ p.Wh[:, : dai.shape[1]].T"),)),
    Mistake("dx-zero", "dx is 0: nothing flows back to the input", (("return da @ p.Wx.T", "return 0 * x"),)),
    Mistake("dh-prev-zero", "dh_prev is 0: nothing flows back along h", (("LSTMState(da @ p.Wh.T", "LSTMState(0 * dh"),)),
    Mistake("dh-prev-plus-dh", "dh is added to dh_prev; the earlier h reaches h only through the four blocks", (("LSTMState(da @ p.Wh.T", "LSTMState(da @ p.Wh.T + dh"),)),
    Mistake("exchanged", "dh_prev and dc_prev are exchanged: the order is LSTMState(dh_prev, dc_prev)",
            (("LSTMState(da @ p.Wh.T, dc_prev)", "LSTMState(dc_prev, da @ p.Wh.T)"),)),
    Mistake("flat", "the gradients of state and parameters are not packed: return dx, LSTMState(...), LSTMParams(...)",
            (("LSTMState(da @ p.Wh.T, dc_prev), LSTMParams(dWx, dWh, db)", "da @ p.Wh.T, dc_prev, dWx, dWh, db"),)),
    Mistake("not-a-state", "the gradient of the state is a plain tuple; it has the structure of the state: LSTMState(dh_prev, dc_prev)",
            (("LSTMState(da @ p.Wh.T, dc_prev)", "(da @ p.Wh.T, dc_prev)"),)),
)  # fmt: skip
