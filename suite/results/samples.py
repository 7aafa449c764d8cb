"""The raw samples of a record that metrics are computed from."""

import math
import statistics
from collections.abc import Sequence
from itertools import chain, pairwise
from typing import Literal

from suite.catalog.bounds import LONGEST_SECONDS
from suite.catalog.case import Case
from suite.catalog.flops import step_flops
from suite.results.memoize import once
from suite.results.record import Record
from suite.wire import Phase, Step

MemoryKind = Literal[
    "allocated_peak_bytes", "reserved_peak_bytes", "nvml_process_peak_bytes", "host_rss_peak_bytes"
]

TRAINING_PHASES = ("first_step", "steady")
#: Fewer steady steps say nothing about how they lie: no low quantile, no error of their mean.
LEAST_STEPS = 5
#: How far two clocks that time the same step may be apart, as a share of it and at least.
CLOCKS_APART, CLOCKS_APART_SECONDS = 1e-3, 1e-4

#: Differences are relative to the reference's loss, or to this where that is smaller: near zero a
#: relative difference says nothing. In nats.
LOSS_FLOOR = 0.1


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

    Of several ranks it is that of the one that needs most. A phase that was not finished, or
    whose peak is unknown, could hide the highest one.
    """
    peaks = []
    ranks = () if record.group is None else record.group.ranks
    # NVML's peaks are the first rank's alone: the others' do not come from their own process.
    others = () if kind == "nvml_process_peak_bytes" else ranks[1:]
    for phases in (record.phases, *(rank.phases for rank in others)):
        for name in TRAINING_PHASES:
            finished = next((each for each in phases if each.name == name), None)
            peak: int | None = None if finished is None else getattr(finished.memory, kind)
            if peak is None:
                return None
            peaks.append(peak)
    return float(max(peaks))


def alike(steps: Sequence[Step]) -> bool:
    """Return whether all steps compute as much: as many positions, in rows of the same lengths."""
    return len({(step.tokens_padded, step.row_tokens) for step in steps}) <= 1


@once
def steady_seconds(record: Record) -> float | None:
    """Return the seconds from the begin of the first to the end of the last steady step.

    Waits between steps are in it: this is what a job takes. A record that does not say when its
    steps were, or contradicts itself there, has the steps' own seconds and the waits for all
    batches but the first. None without a steady step.
    """
    steps = steady_steps(record)
    if not steps:
        return None
    spanned = _spanned(record)
    if spanned is not None:
        return spanned
    own = math.fsum(step.seconds for step in steps)
    return own + math.fsum(step.data_seconds or 0.0 for step in steps[1:])


def _spanned(record: Record) -> float | None:
    """Return the window that the spans of the steady steps say.

    None where they are of no real clock: out of order, overlapping, or of other lengths than the
    steps themselves say. Then a stranger's record could be made as fast as one likes.
    """
    if len(record.step_spans) != len(record.steps):
        return None
    steady = [
        (step.seconds, span)
        for step, span in zip(record.steps, record.step_spans, strict=True)
        if step.role == "steady"
    ]
    moments = list(chain.from_iterable(span for _, span in steady))
    if any(not begin <= end for begin, end in pairwise(moments)):
        return None
    if not all(
        math.isclose(end - begin, seconds, rel_tol=CLOCKS_APART, abs_tol=CLOCKS_APART_SECONDS)
        for seconds, (begin, end) in steady
    ):
        return None
    spanned = moments[-1] - moments[0]
    return spanned if 0 < spanned <= LONGEST_SECONDS else None


def operations(case: Case, steps: Sequence[Step], *, recomputes: bool = False) -> list[int] | None:
    """Return the operations of each step, or None where a row's length is unknown.

    ``recomputes`` adds the forward pass that gradient checkpointing runs again.
    """
    if not all(step.row_tokens for step in steps):
        return None
    method, architecture = case.method, case.model.architecture
    counts: dict[tuple[int, ...], int] = {}  # most steps are alike
    for rows in {step.row_tokens for step in steps}:
        flops = step_flops(architecture, method.adapter, rows, recomputes=recomputes)
        counts[rows] = flops.model + flops.recompute
    return [counts[step.row_tokens] for step in steps]


def per_second(record: Record, amounts: Sequence[float]) -> float | None:
    """Return how much the steady steps did in a second, ``amounts`` being one a step.

    All of it over the whole window, waits included; None without a steady step.
    """
    seconds = steady_seconds(record)
    return None if seconds is None else sum(amounts) / seconds


def low_quantile(seconds: Sequence[float]) -> float:
    """Return the 10 % quantile of at least two step times: what scatters least of a launch."""
    return statistics.quantiles(seconds, n=10, method="inclusive")[0]
