"""`CASES`: every pair of minirnn with small inputs to check it on. A new pair costs one line in one of these tables.

Sizes are small and unequal (N=3, T=4, D=5, H=2), first states are not zero, masks have holes, strides and borders
differ between the axes, kernels are not square: each of these is where a wrong gradient hides from lazier inputs.
"""

from minirnn.cases.case import Case, check_case
from minirnn.cases.layers import LAYERS
from minirnn.cases.models import MODELS
from minirnn.cases.sequences import SEQUENCES
from minirnn.cases.twins import twins_of
from minirnn.cases.unet import UNETS

CASES: tuple[Case, ...] = (*LAYERS, *SEQUENCES, *twins_of(LAYERS + SEQUENCES), *MODELS, *UNETS)

__all__ = ["CASES", "Case", "check_case"]
