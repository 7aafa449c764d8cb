"""How long a job of stated size takes at a measured rate, and what the GPU draws for it.

Computed, not measured: the rate of the steady steps of a case whose rows are as the case says.
Loading, compilation, evaluation and saving come on top, and so does the rest of the machine.
"""

from collections.abc import Iterable, Sequence

import msgspec

from reports.text import columns, phrases
from reports.text.figures import figure
from reports.text.numbers import Number
from suite.estimate.planner import Job
from suite.results.metrics import all_metrics
from suite.results.replicates import MedianWithRange, Replicates, summarize

TOKENS = 40_000_000  #: real tokens, one pass over the data
EPOCHS = 3
JOB = Job(tokens=TOKENS, epochs=EPOCHS)

TEXT = (
    f"Example: {TOKENS / 1e6:g} million tokens (padding excluded), {EPOCHS} epochs. Computed from"
    " the measured rate of steady steps and the measured energy of a token, as if every row were"
    " like those of the case. Loading, compilation, evaluation and saving come on top. Energy is"
    " the GPU's alone, and unknown where the case's energy may not be quoted."
)


class JobRow(msgspec.Struct, frozen=True, kw_only=True):
    """One case: its time and energy on each of some cards, in the order of the cards."""

    case: str
    work: str
    hours: tuple[Number, ...]
    energy: tuple[Number, ...]


def job_rows(cases: Iterable[tuple[Sequence[Replicates], str]]) -> tuple[JobRow, ...]:
    """Return the example for each case, with those cards' groups, and its work in words."""
    rows = [row for groups, label in cases if (row := _job_row(groups, label)) is not None]
    return tuple(columns.aligned_fields(rows, "hours", "energy"))


def _job_row(groups: Sequence[Replicates], label: str) -> JobRow | None:
    """Return the example for one case on some cards; None where none of them has a rate."""
    metrics = all_metrics()
    rates = [summarize(each, metrics["tokens_per_second"]) for each in groups]
    drawn = [summarize(each, metrics["joules_per_token"]) for each in groups]
    if not any(rates):
        return None
    case = groups[0].case
    return JobRow(
        case=phrases.case_title(case),
        work=label,
        hours=tuple(
            figure(group, _hours(rate), lambda hours: columns.hours(3600 * hours))
            for group, rate in zip(groups, rates, strict=True)
        ),
        energy=tuple(
            figure(group, _kilowatt_hours(each), lambda kwh: columns.kilowatt_hours(3.6e6 * kwh))
            for group, each in zip(groups, drawn, strict=True)
        ),
    )


def _hours(rate: MedianWithRange | None) -> MedianWithRange | None:
    if rate is None or rate.low <= 0:
        return None
    median, low, high = (JOB.seconds(v) / 3600 for v in (rate.median, rate.high, rate.low))
    return msgspec.structs.replace(rate, median=median, low=low, high=high)


def _kilowatt_hours(energy: MedianWithRange | None) -> MedianWithRange | None:
    if energy is None:
        return None
    median, low, high = (JOB.joules(v) / 3.6e6 for v in (energy.median, energy.low, energy.high))
    return msgspec.structs.replace(energy, median=median, low=low, high=high)
