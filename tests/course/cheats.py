"""Submissions that try to get marks without an answer. Each is code for one exercise."""

from __future__ import annotations

from dataclasses import dataclass, field
from textwrap import indent
from typing import Any

SIGNATURES = {
    "rnn1": "rnn_step_forward(x, state, params)",
    "rnn2": "rnn_step_backward(dstate, cache)",
    "unroll1": "unroll_forward(step, x, state, shared)",
    "clip1": "clip_by_global_norm(grads, max_norm)",
    "bug2": "global_avg_pool_backward(dy, cache)",
}


@dataclass(frozen=True)
class Cheat:
    """Code, what its refusal says, and which protection it would pass without."""

    body: str  # of the function
    head: str = ""  # before it
    says: str = ""  # part of the feedback
    passes_with: dict[str, Any] = field(default_factory=dict)  # limits that are too weak for it
    exercise: str = "rnn1"
    linux: bool = False  # only Linux has the limit that it runs into

    def text(self, **words: str) -> str:
        """The file that is handed in."""
        lines = "\n".join(f"    {line}" for line in self.body.splitlines())
        text = f"import numpy as np\n{self.head}\ndef {SIGNATURES[self.exercise]}:\n{lines}\n"
        for name, value in words.items():
            text = text.replace(f"<{name}>", value)
        return text


ZEROS = "from minirnn.functional import RNNState\nreturn RNNState(np.zeros_like(state.h)), None"
HIDDEN, CLOSED = "the framework's own function is hidden", "is not possible while an exercise is graded"
OPEN_EYES: dict[str, Any] = {"hidden": ()}
NO_GUARD: dict[str, Any] = {"guarded": False}
NOTHING: dict[str, Any] = {"hidden": (), "guarded": False}

SOURCE = """\
text = {text}
start = text.index("def rnn_step_forward"); end = text.index("def rnn_step_backward")
import minirnn.functional.recurrent as module
space = dict(vars(module))
exec("from __future__ import annotations\\n" + text[start:end], space)
return space["rnn_step_forward"](x, state, params)"""

FORGE = """\
import struct
from minirnn.course import wire
from minirnn.course.running import Run
from minirnn.functional import RNNState
data = wire.encode([[Run("returned", RNNState(np.zeros_like(state.h)))] * 5])
for number in range(3, 12):
    try:
        os.write(number, struct.pack("<Q", len(data)) + data)
    except OSError:
        continue
os._exit(0)"""

CHEATS = {
    # ending or stopping the checker
    "exit at import": Cheat(ZEROS, "import os\nos._exit(0)", says="it ended Python itself"),
    "exit in the call": Cheat("import os\nos._exit(0)", says="it ended Python itself"),
    "sys.exit at import": Cheat(ZEROS, "import sys\nsys.exit(0)", says="crashed"),
    "sys.exit in the call": Cheat("import sys\nsys.exit(0)", says="it ended Python itself"),
    "kill the parent": Cheat("import os, signal\nos.kill(os.getppid(), signal.SIGTERM)", says="signals to other processes"),
    "endless loop": Cheat("while True:\n    pass", says="is there a loop without an end?"),
    "memory bomb": Cheat("x = []\nwhile True:\n    x.append(np.empty(2**24))", says="Memory", linux=True),
    "file bomb": Cheat("with open('<here>/bomb', 'wb') as f:\n    while True:\n        f.write(bytes(2**20))", says=CLOSED),
    "folder removed": Cheat("import shutil\nshutil.rmtree('<here>')", says=CLOSED),
    # changing how results are compared
    "numpy patched": Cheat(
        ZEROS,
        "import numpy.testing\nyes = lambda *args, **options: True\n"
        "np.allclose = np.array_equal = np.isclose = yes\n"
        "np.testing.assert_allclose = np.testing.assert_array_equal = yes\nnp.abs = np.max = lambda x, *a, **k: 0.0",
        says="wrong value",
    ),
    "pytest hook": Cheat(
        ZEROS,
        "import sys, types\nhook = types.ModuleType('conftest')\n"
        "hook.pytest_runtest_makereport = lambda item, call: None\nsys.modules['conftest'] = hook",
        says="wrong value",
    ),
    "plugin through gc": Cheat(
        ZEROS,
        "import gc\nfor thing in gc.get_objects():\n    if type(thing).__name__ == 'PluginManager':\n        thing.register(object())",
        says="searching the memory",
    ),
    "worker patched": Cheat(
        ZEROS,
        "import sys\nfrom minirnn.course import running\nworker = sys.modules.get('minirnn.course.worker')\n"
        "running._same = lambda a, b: True\nrunning._changed = lambda *a: iter(())\n"
        "worker.run_calls = lambda f, g, style, calls, file: [running.Run('returned', f(*c.args)[0]) for c in calls]",
        says="wrong value",
    ),
    "equal to everything": Cheat(
        "class Yes(np.ndarray):\n"
        "    __eq__ = __le__ = __ge__ = lambda self, other: True\n    __ne__ = lambda self, other: False\n"
        "    __array__ = lambda self, *a, **k: self\n    __array_ufunc__ = lambda self, *a, **k: np.True_\n"
        "    __array_function__ = lambda self, *a, **k: True\n"
        "from minirnn.functional import RNNState\nreturn RNNState(np.zeros_like(state.h).view(Yes)), None",
        says="wrong value",
    ),
    "no array at all": Cheat(
        "class Yes:\n    __eq__ = lambda self, other: True\n    __array__ = lambda self, *a, **k: np.zeros((3, 4))\n"
        "from minirnn.functional import RNNState\nreturn RNNState(Yes()), None",
        says="wrong shape or type",
    ),
    # getting at the right values
    "expected values in frames": Cheat(
        "import sys\nframe = sys._getframe()\nwhile frame:\n    for name, value in frame.f_locals.items():\n"
        "        if name in ('truth', 'truths', 'expected', 'case') and value is not None:\n"
        "            raise RuntimeError('found ' + name)\n    frame = frame.f_back\n" + ZEROS,
        says="wrong value",
    ),
    "the framework's answer": Cheat("return recurrent.rnn_step_forward(x, state, params)", "from minirnn.functional import recurrent",
                                    says=HIDDEN, passes_with=OPEN_EYES),
    "through READABLE": Cheat("from minirnn import READABLE\nreturn READABLE.rnn_step.forward(x, state, params)",
                              says=HIDDEN, passes_with=OPEN_EYES),
    "through a pair": Cheat("return step(x, state, params)", "from minirnn.functional import rnn_step\nstep = rnn_step.bind().forward",
                            says=HIDDEN, passes_with=OPEN_EYES),
    "through getattr": Cheat(
        "import sys\nmodule = sys.modules['minirnn.functional.' + 'tnerrucer'[::-1]]\n"
        "return getattr(module, 'rnn_' + 'step_' + 'forward')(x, state, params)",
        says=HIDDEN, passes_with=OPEN_EYES),
    "through unroll": Cheat("from minirnn import unroll\nreturn unroll(step).forward(x, state, shared)",
                            says=HIDDEN, passes_with=OPEN_EYES, exercise="unroll1"),
    "through the time loop": Cheat(
        "from minirnn import unroll, READABLE\nstates, cache = unroll(READABLE.rnn_step).forward(x[:, None], state, params)\n"
        "return type(state)(states.h[:, 0]), cache",
        says=HIDDEN, passes_with=OPEN_EYES),
    "the framework's backward": Cheat("from minirnn.functional.recurrent import rnn_step_backward as f\nreturn f(dstate, cache)",
                                      says=HIDDEN, passes_with=OPEN_EYES, exercise="rnn2"),
    "source by inspect": Cheat(SOURCE.format(text="inspect.getsource(recurrent)"),
                               "import inspect\nfrom minirnn.functional import recurrent",
                               says="crashed", passes_with=NO_GUARD),
    "source from disk": Cheat(SOURCE.format(text="open(recurrent.__file__, encoding='utf-8').read()"),
                              "from minirnn.functional import recurrent", says=CLOSED, passes_with=NO_GUARD),
    "source by os.open": Cheat(SOURCE.format(text="os.read(os.open(recurrent.__file__, os.O_RDONLY), 10**6).decode()"),
                               "import os\nfrom minirnn.functional import recurrent", says=CLOSED, passes_with=NO_GUARD),
    "compiled code from disk": Cheat(
        "space = {'__name__': 'minirnn.functional.recurrent', '__package__': 'minirnn.functional'}\n"
        "exec(recurrent.__loader__.get_code('minirnn.functional.recurrent'), space)\n"
        "return space['rnn_step_forward'](x, state, params)",
        "from minirnn.functional import recurrent", says=CLOSED, passes_with=NO_GUARD),
    "module loaded anew": Cheat("import importlib\nreturn importlib.reload(recurrent).rnn_step_forward(x, state, params)",
                                "from minirnn.functional import recurrent", says=CLOSED, passes_with=NO_GUARD),
    "the solutions on disk": Cheat(
        "space = {}\nexec(open(reference.SOLUTIONS / '05_sequences' / 'rnn1.py', encoding='utf-8').read(), space)\n"
        "return space['rnn_step_forward'](x, state, params)",
        "from minirnn.course import reference", says=CLOSED, passes_with=NO_GUARD),
    "reference.solution": Cheat(
        "text = reference.solution_text('05_sequences', 'rnn1')\n"
        "return reference.load(text, 'rnn_step_forward', 'x')(x, state, params)",
        "from minirnn.course import reference", says=CLOSED, passes_with=NO_GUARD),
    "the table's truth": Cheat("return exercise('rnn1').truth(x, state, params)",
                               "from minirnn.course.table import exercise", says=CLOSED, passes_with=NOTHING),
    "another process": Cheat(
        "import subprocess, sys, json\n"
        "code = 'import sys, json, numpy as np; from minirnn.functional.recurrent import *; a = [np.array(v) for v in json.load(sys.stdin)];"
        "print(json.dumps(rnn_step_forward(a[0], RNNState(a[1]), RNNParams(*a[2:]))[0].h.tolist()))'\n"
        "values = json.dumps([v.tolist() for v in (x, state.h, *params)])\n"
        "out = subprocess.run([sys.executable, '-c', code], input=values, capture_output=True, text=True).stdout\n"
        "return type(state)(np.array(json.loads(out), dtype=x.dtype)), None",
        says=CLOSED, passes_with=NO_GUARD),
    "os.system": Cheat("import os\nos.system('true')\n" + ZEROS, says="starting programs"),
    "fork": Cheat("import os\nos.fork()\n" + ZEROS, says="starting processes", linux=True),
    "network": Cheat("import socket\nsocket.create_connection(('127.0.0.1', 9))", says="the network is closed"),
    "ctypes": Cheat("import ctypes\nctypes.string_at(id(x), 8)", says="ctypes"),
    "the checker's function restored": Cheat(
        "from minirnn.functional.recurrent import rnn_step_forward as f\nf.__code__ = (lambda *a: a).__code__\n" + ZEROS,
        says="changing functions of others"),
    # writing on the pipe, answering first
    "forged answer": Cheat(FORGE, "import os", says="wrong"),
    "noise on the pipe": Cheat("import os\nfor number in range(3, 12):\n    try:\n        os.write(number, b'x' * 100)\n"
                               "    except OSError:\n        continue\n" + ZEROS, says="disturbed the channel"),
    "a thread that answers first": Cheat("def first():\n" + indent(FORGE, "    ") + "\n_thread.start_new_thread(first, ())\ntime.sleep(1)\n" + ZEROS,
                                         "import _thread, os, time", says="rnn1.py"),
    "printing": Cheat("print('1 passed' * 1000)\n" + ZEROS, says="wrong value"),
    # results made to hurt the checker
    "pickle bomb": Cheat("class Bomb:\n    def __reduce__(self):\n        return (exec, (\"open('<here>/ran', 'w')\",))\n"
                         "from minirnn.functional import RNNState\nreturn RNNState(Bomb()), None", says="wrong shape or type"),
    "nested result": Cheat("x = 0\nfor _ in range(10**5):\n    x = [x]\nfrom minirnn.functional import RNNState\nreturn RNNState(x), None",
                           says="crashed"),
    "huge result": Cheat("from minirnn.functional import RNNState\nreturn RNNState(np.zeros((2**11, 2**12))), None", says="too large"),
    "a million parts": Cheat("from minirnn.functional import RNNState\nreturn RNNState(['a' * 100] * 10**5), None", says="too large"),
    "NaN": Cheat("from minirnn.functional import RNNState\nreturn RNNState(state.h * np.nan), None", says="wrong value"),
}  # fmt: skip
