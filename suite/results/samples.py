"""The raw samples of a record that metrics are computed from."""

import statistics
from collections.abc import Sequence
from typing import Literal

from suite.results.record import Record
from suite.wire import Phase, Step

MemoryKind = Literal[
    "allocated_peak_bytes", "reserved_peak_bytes", "nvml_process_peak_bytes", "host_rss_peak_bytes"
]

TRAINING_PHASES = ("first_step", "steady")


def steady_steps(record: Record) -> list[Step]:
    """Return the steps after warm-up, in order; may be empty."""
    return [step for step in record.steps if step.role == "steady"]


def phase(record: Record, name: str) -> Phase | None:
    """Return a finished phase, or None when the record did not finish it."""
    return next((phase for phase in record.phases if phase.name == name), None)


def phase_seconds(record: Record, name: str) -> float | None:
    """Return how long a phase took, or None when the record did not finish it."""
    found = phase(record, name)
    return None if found is None else found.seconds


def training_peak(record: Record, kind: MemoryKind) -> float | None:
    """Return the highest peak in bytes over the phases that train, or None.

    A phase that was not finished, or whose peak is unknown, could hide the highest one.
    """
    peaks = []
    for name in TRAINING_PHASES:
        found = phase(record, name)
        peak: int | None = None if found is None else getattr(found.memory, kind)
        if peak is None:
            return None
        peaks.append(peak)
    return float(max(peaks))


def rate(steps: Sequence[Step], amounts: Sequence[int]) -> float | None:
    """Return how much was done in a second, ``amounts`` being one a step; None without a step.

    Where every step does as much, the median over steps, which a stall of one does not move. Where
    batches differ in length, all over all: a median would be that of some middling batch.
    """
    if len(set(amounts)) > 1:
        return sum(amounts) / sum(step.seconds for step in steps)
    return median([amount / step.seconds for step, amount in zip(steps, amounts, strict=True)])


def median(values: Sequence[float]) -> float | None:
    """Return the median, or None of nothing."""
    return statistics.median(values) if values else None
