"""`MUTANTS`: a catalogue of 485 mistakes in hand-written backpropagation and what goes with it, each as a change to minirnn's own code.

A mistake in a forward pass is planted together with the backward pass that belongs to it, where the code has a place
for it: who differentiates their own mistake passes a gradient check, so something else has to notice. Conventions
(Adam's weight decay, which of two equal maxima gets the gradient, what a mean is divided by) are planted as well: the
tests should pin the one that was chosen here.
"""

from benchmarks.mutants import (
    ctc,
    ctc_decoding,
    detection,
    fast,
    fast_images,
    fast_training,
    gru,
    images,
    line_reading,
    losses,
    lstm,
    norms,
    pen,
    rnn,
    segmentation,
    sequences,
    training,
    video,
    watching,
)
from benchmarks.mutants.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = tuple(
    mutant
    for table in (
        rnn,
        lstm,
        gru,
        sequences,
        losses,
        ctc,
        ctc_decoding,
        line_reading,
        detection,
        images,
        norms,
        training,
        fast,
        fast_images,
        fast_training,
        pen,
        segmentation,
        watching,
        video,
    )
    for mutant in table.MUTANTS
)

__all__ = ["MUTANTS", "Mutant"]
