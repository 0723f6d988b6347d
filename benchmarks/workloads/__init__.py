"""What is measured: one file per topic, one table."""

from __future__ import annotations

from benchmarks.workloads import captioning, convolution, optimiser, reading, recurrent, words
from benchmarks.workloads.sides import Workload

WORKLOADS: dict[str, Workload] = {
    **convolution.WORKLOADS,
    **recurrent.WORKLOADS,
    **words.WORKLOADS,
    **captioning.WORKLOADS,
    **reading.WORKLOADS,
    **optimiser.WORKLOADS,
}
