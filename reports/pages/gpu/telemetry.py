"""What telemetry saw of a case over its launches: power, clock, heat, what held it back."""

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from reports.pages.record import telemetry as gpu_view
from reports.text import phrases
from reports.text.figures import metric_figure
from reports.text.numbers import Number
from suite.results.memoize import once
from suite.results.record import Record
from suite.results.replicates import Replicates
from suite.results.telemetry.energy import energy
from suite.results.telemetry.window import NoWindow, steady_window


class CaseTelemetry(msgspec.Struct, frozen=True, kw_only=True):
    """One case on one card; ``held_back`` and ``temperature`` are over all good launches.

    ``quoted`` says whether the energy may be quoted, and why not.
    """

    case: str
    work: str
    page: str
    ok: bool
    outcome: str
    reason: str
    power: Number
    clock: Number
    temperature: str
    held_back: str
    energy: Number
    quoted: str


def case_telemetry(group: Replicates, label: str) -> CaseTelemetry:
    """Return what telemetry saw of a case in its steady steps; ``label`` is its work in words."""
    return msgspec.structs.replace(_seen(group), work=label)


@once
def _seen(group: Replicates) -> CaseTelemetry:
    power = metric_figure(group, "mean_power_watts")
    known = [found for record in group.ok if (found := sample_counts(record)) is not None]
    whole = len(known) == len(group.ok)
    return CaseTelemetry(
        case=phrases.case_title(group.case),
        work="",
        page=power.page,
        ok=bool(group.ok),
        outcome=phrases.outcome(group.best),
        reason=phrases.short(group.best.reason),
        power=power,
        clock=metric_figure(group, "mean_sm_clock_mhz"),
        temperature=_temperature(known) if whole else "unknown",
        held_back=gpu_view.held_back(_all(each.reasons for each in known)) if whole else "unknown",
        energy=metric_figure(group, "joules_per_token"),
        quoted=_quoted(group.ok),
    )


class SampleCounts(msgspec.Struct, frozen=True, kw_only=True):
    """How often each temperature in °C and each set of throttle reasons was sampled."""

    temperatures: Counter[int]
    reasons: Counter[int]


@once
def sample_counts(record: Record) -> SampleCounts | None:
    """Return what was sampled in a record's steady steps, None where they cannot be told."""
    window, telemetry = steady_window(record), record.telemetry
    if isinstance(window, NoWindow) or telemetry is None:
        return None
    return SampleCounts(
        temperatures=Counter(window.inside(telemetry.temperature_celsius)),
        reasons=Counter(window.inside(telemetry.throttle_reasons)),
    )


def _all(counted: Iterable[Counter[int]]) -> Counter[int]:
    return sum(counted, Counter())


def _temperature(known: Sequence[SampleCounts]) -> str:
    values = _all(each.temperatures for each in known)
    if not values:
        return "unknown"
    low, high = min(values), max(values)
    return f"{low:,} °C" if low == high else f"{low:,}–{high:,} °C"


def _quoted(records: Sequence[Record]) -> str:
    """Return whether the energy of a case may be quoted, with the reasons."""
    energies = [energy(record) for record in records]
    if all(record.telemetry is None for record in records):
        return "not quoted: no telemetry was taken"
    if all(each.valid for each in energies):
        doubts = phrases.short(
            "; ".join(dict.fromkeys(r for each in energies for r in each.reasons))
        )
        return f"valid; {doubts}" if doubts else "valid"
    reasons = [
        f"repeat {record.launch}: {'; '.join(each.reasons)}"
        if len(records) > 1
        else "; ".join(each.reasons)
        for record, each in zip(records, energies, strict=True)
        if not each.valid
    ]
    return phrases.short(f"not quoted: {'; '.join(reasons)}")
