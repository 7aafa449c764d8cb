"""What the GPU did while a record was made: summary of the steady steps, energy, two charts."""

import math
import statistics
from collections import Counter
from collections.abc import Callable, Sequence

import msgspec

from reports.charts.record_lines import Chart, LineData, chart
from reports.text import facts, phrases
from reports.text.phrases import bounded
from suite import units
from suite.results.record import Record, Telemetry
from suite.results.telemetry.energy import Energy, energy
from suite.results.telemetry.long_steps import LongSteps, long_steps
from suite.results.telemetry.throttle import REASONS
from suite.results.telemetry.window import NoWindow, Window, fault, steady_window

#: A longer line is drawn from means, so that a page stays small.
MOST_POINTS = 300


class TelemetryRow(msgspec.Struct, frozen=True, kw_only=True):
    """One quantity over the steady steps, as text."""

    name: str
    lowest: str
    median: str
    highest: str


class RecordTelemetry(msgspec.Struct, frozen=True, kw_only=True):
    """The GPU while the case ran; without steady steps there are no ``rows`` and ``facts``.

    ``energy_kind`` is "good", "bad" or "none"; ``energy_text`` says how, and what speaks against.
    """

    rows: tuple[TelemetryRow, ...]
    facts: facts.Facts
    energy_kind: str
    energy: str
    energy_text: str
    charts: tuple[Chart, ...]


def of_record(record: Record) -> RecordTelemetry | None:
    """Return what telemetry saw, or None where there was none."""
    telemetry = record.telemetry
    if telemetry is None:
        return None
    window, energy_used = steady_window(record), energy(record)
    differ = long_steps(record)
    known = isinstance(window, Window)
    return RecordTelemetry(
        rows=_rows(telemetry, window) if isinstance(window, Window) else (),
        facts=_facts(telemetry, window, differ) if isinstance(window, Window) else (),
        energy_kind="good" if energy_used.valid else "bad" if known else "none",
        energy=_energy(energy_used),
        energy_text=_energy_text(energy_used),
        charts=() if fault(record) else _charts(record, telemetry, window),
    )


def _rows(telemetry: Telemetry, window: Window) -> tuple[TelemetryRow, ...]:
    kinds: tuple[tuple[str, Sequence[float | None], Callable[[float], str]], ...] = (
        ("Power", telemetry.power_watts, lambda value: f"{value:,.0f} W"),
        ("SM clock", telemetry.sm_clock_mhz, lambda value: f"{value:,.0f} MHz"),
        ("Memory clock", telemetry.memory_clock_mhz, lambda value: f"{value:,.0f} MHz"),
        ("Temperature", telemetry.temperature_celsius, lambda value: f"{value:,.0f} °C"),
        ("Memory of the process", telemetry.process_memory_bytes, units.bytes_),
        ("Memory of the GPU in use", telemetry.device_memory_bytes, units.bytes_),
    )
    rows = []
    for name, column, text in kinds:
        values = window.inside(column)
        if values:
            marks = (min(values), statistics.median(values), max(values))
            lowest, median, highest = (text(mark) for mark in marks)
            rows.append(TelemetryRow(name=name, lowest=lowest, median=median, highest=highest))
    return tuple(rows)


def _facts(telemetry: Telemetry, window: Window, differ: LongSteps | None) -> facts.Facts:
    gap = units.seconds(window.largest_gap_seconds)
    strangers = telemetry.foreign_processes
    return (
        ("Clocks held back by", held_back(Counter(window.inside(telemetry.throttle_reasons)))),
        ("Other processes on the GPU", _strangers(telemetry, strangers)),
        ("Samples in the steady steps", f"{window.samples:,}, the longest gap {gap}"),
        *(() if differ is None else [("Why steps differ", phrases.long_steps(differ))]),
    )


def _strangers(telemetry: Telemetry, count: int) -> str:
    if why := telemetry.unavailable.get("foreign_processes"):
        return bounded(f"unknown: {why}")
    return units.count(count) if count else "none"


def held_back(reasons: Counter[int]) -> str:
    """Return what held the clocks back, and in which share of samples."""
    if not reasons:
        return "unknown"
    shares = [
        (reason, sum(count for each, count in reasons.items() if each & bit) / reasons.total())
        for bit, reason in REASONS.items()
    ]
    held = [f"{reason} in {units.percent(share)} of samples" for reason, share in shares if share]
    return ", ".join(held) or "nothing"


def _energy(found: Energy) -> str:
    if found.joules is None or not found.valid:
        return "not shown"
    return units.scaled(found.joules, "J")


def _energy_text(found: Energy) -> str:
    sentences = [_how(found), bounded("; ".join(found.reasons))]
    return " ".join(f"{text[:1].upper()}{text[1:]}." for text in sentences if text)


def _how(found: Energy) -> str:
    if found.joules is None or found.seconds is None or not found.valid:
        return ""
    how = "the rise of the GPU's energy counter"
    if found.source == "integral":
        how = "power readings integrated"
    text = f"{how} over the {units.seconds(found.seconds)} of the steady steps"
    if found.tokens_real:
        joules = units.scaled(found.joules / found.tokens_real, "J")
        text += f", {joules} per token (padding excluded)"
    if found.apart is not None:
        text += f". Power readings, integrated, come within {units.percent(found.apart)} of it"
    return text


def _charts(record: Record, telemetry: Telemetry, window: Window | NoWindow) -> tuple[Chart, ...]:
    gpu = record.environment.gpu
    bands, shaded = _bands(record, telemetry, window)
    size = math.ceil(len(telemetry.elapsed_seconds) / MOST_POINTS)
    every = "" if size <= 1 else f" Each point is the mean of {size} samples."
    drawn = (
        (
            "Power in W, by seconds since the case began",
            "Power as the driver reports it, on recent GPUs an average over the last second",
            telemetry.power_watts,
            ("power limit", None if gpu is None else gpu.power_limit_watts),
        ),
        (
            "SM clock in MHz, by seconds since the case began",
            "Clock of the GPU's processors",
            telemetry.sm_clock_mhz,
            ("highest clock", None if gpu is None else gpu.sm_clock_max_mhz),
        ),
    )
    charts = []
    moments = means(telemetry.elapsed_seconds, size)
    for title, what, column, (limit_name, limit) in drawn:
        samples = [
            (at, value, "")
            for at, value in zip(moments, means(column, size), strict=True)
            if at is not None
        ]
        lines = [LineData(name="GPU", kind="ours", samples=samples, dots=False)]
        dashed = ""
        if limit is not None and samples:
            ends = [(samples[0][0], limit, ""), (samples[-1][0], limit, "")]
            lines.insert(0, LineData(name=limit_name, kind="theirs", samples=ends, dots=False))
            dashed = f"; the dashed line is the {limit_name}"
        if any(value is not None for value in column):
            charts.append(chart(title, f"{what}{dashed}.{shaded}{every}", lines, str, bands))
    return tuple(each for each in charts if each is not None)


def _bands(
    record: Record, telemetry: Telemetry, window: Window | NoWindow
) -> tuple[list[tuple[float, float, str]], str]:
    if isinstance(window, NoWindow):
        return [], ""
    steady = (window.begin_seconds, window.end_seconds, "steady")
    first = telemetry.step_elapsed_seconds[0][0]
    if first >= window.begin_seconds:
        return [steady], " Shaded: the steady steps."
    before = (first, window.begin_seconds, "before")
    return [before, steady], " Shaded: first step and warm-up, then darker the steady steps."


def means(values: Sequence[float | None], size: int) -> Sequence[float | None]:
    """Return the means of ``size`` neighbours each, None where none of them is known."""
    if size <= 1:
        return values
    found: list[float | None] = []
    for start in range(0, len(values), size):
        part = values[start : start + size]
        known = [value for value in part if value is not None]
        found.append(math.fsum(known) / len(known) if known else None)
    return found
