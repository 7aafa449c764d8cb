"""Energy of the steady steps, from the GPU's counter, held against its power readings.

The two are not wholly independent, but they fail in different ways: the counter moves in jumps up
to 100 ms apart, and a power reading is an average over about the last second, so that power
follows the work half a second late (the delay at which the two agree best over records whose steps
differ in length). Both blur the ends of a window. Over parts of 5 s of the published H200 records
counter and integral differ by less than 5 % (``tests/results/telemetry/test_energy.py``
holds that), over parts of 2 s by more: a shorter window is not compared at all.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import msgspec

from suite import units
from suite.results.lazy import resolve
from suite.results.memoize import once
from suite.results.record import Record, Telemetry
from suite.results.samples import steady_steps
from suite.results.telemetry.throttle import SLOWDOWNS
from suite.results.telemetry.window import NoWindow, Window, steady_window, window_between
from suite.wire import Struct

#: The counter moves in jumps tens of milliseconds apart (NVIDIA does not document the interval),
#: so over a window with fewer intervals than this the jumps at its ends would show in the result.
MINIMUM_SAMPLES = 10
#: What happened between samples further apart is not known: a slowdown, another process.
MOST_PERIODS_APART = 5
#: A reading is the mean of about the second before it: that of the moment half a second before.
POWER_LAG_SECONDS = 0.5
#: A window shorter than this says nothing about power that is averaged over a second.
SHORTEST_INTEGRAL_SECONDS = 5.0
#: The same where steps differ in work, so that power is another at the window's two ends: in the
#: published runs with rows of real lengths, parts of 9 s can be 6 % apart, none of 10 s by 2.
SHORTEST_UNEVEN_SECONDS = 10.0
#: Counter and integral further apart than this cannot both be right.
MOST_APART = 0.05


class Energy(Struct, frozen=True, kw_only=True):
    """What the GPU drew over the steady steps, and whether that may be quoted.

    ``joules`` is that of ``source``; both are None where neither is known. It is to be shown only
    where ``valid``. ``reasons`` are phrases for a reader: first what makes it invalid, then what
    could not be looked at. ``apart`` is the difference of counter and integral over the larger of
    them, None where they were not compared. ``seconds`` is the window's length, waits between
    steps included.
    """

    joules: float | None = None
    source: Literal["counter", "integral"] | None = None
    counter_joules: float | None = None
    integral_joules: float | None = None
    apart: float | None = None
    seconds: float | None = None
    tokens_real: int
    valid: bool
    reasons: tuple[str, ...]


@once
def energy(record: Record) -> Energy:
    """Return the energy of a record's steady steps, of all its GPUs."""
    first = _of_one(record)
    if record.group is None:
        return first
    parts = [first]
    for telemetry in record.group.telemetry:
        parts.append(_of_one(msgspec.structs.replace(record, telemetry=telemetry)))
    if len(parts) < record.case.gpus:
        return msgspec.structs.replace(
            first, joules=None, valid=False, reasons=("not every GPU was sampled",)
        )
    return Energy(
        joules=_sum([part.joules for part in parts]),
        source=first.source,
        counter_joules=_sum([part.counter_joules for part in parts]),
        integral_joules=_sum([part.integral_joules for part in parts]),
        apart=max((part.apart for part in parts if part.apart is not None), default=None),
        seconds=first.seconds,
        tokens_real=first.tokens_real,
        valid=all(part.valid for part in parts),
        reasons=tuple(dict.fromkeys(reason for part in parts for reason in part.reasons)),
    )


def _sum(joules: Sequence[float | None]) -> float | None:
    known = [each for each in joules if each is not None]
    return sum(known) if len(known) == len(joules) else None


def _of_one(record: Record) -> Energy:
    """Return the energy of the GPU whose telemetry the record has."""
    tokens = sum(step.tokens_real for step in steady_steps(record))
    window, telemetry = steady_window(record), resolve(record.telemetry)
    if isinstance(window, NoWindow) or telemetry is None:
        reason = window.reason if isinstance(window, NoWindow) else ""
        return Energy(tokens_real=tokens, valid=False, reasons=(reason,))
    has_counter = any(joules is not None for joules in telemetry.energy_joules)
    counter, counter_fault = counted(telemetry, window)
    integral = integrated(telemetry, window)
    joules = counter if has_counter else integral
    faults = [
        *_sampled(telemetry, window),
        *_disturbed(telemetry, window),
        *([counter_fault] if has_counter and counter_fault else []),
    ]
    doubts, apart = _not_looked_at(telemetry, window), None
    short = window.seconds < shortest_integral_seconds(record)
    too_short = f"{units.seconds(window.seconds)} is too short for power averaged over a second"
    if not has_counter:
        doubts.insert(0, "no energy counter: power readings were integrated instead")
        faults += [] if integral is not None else ["some power readings are missing"]
        faults += [too_short] if short else []
    elif integral is None:
        doubts.append("not compared with power readings: some are missing")
    elif short:
        doubts.append(f"not compared with power readings: {too_short}")
    elif counter is not None:
        apart = abs(counter - integral) / (max(counter, integral) or 1.0)
        if apart > MOST_APART:
            faults.append(
                f"counter and power readings differ by {units.percent(apart)},"
                f" over {units.percent(MOST_APART)}"
            )
    return Energy(
        joules=joules,
        source=None if joules is None else "counter" if has_counter else "integral",
        counter_joules=counter,
        integral_joules=integral,
        apart=apart,
        seconds=window.seconds,
        tokens_real=tokens,
        valid=joules is not None and not faults,
        reasons=(*faults, *doubts),
    )


def shortest_integral_seconds(record: Record) -> float:
    """Return the shortest window over which power readings of this work can be integrated."""
    even = record.case.workload.data == "fixed"
    return SHORTEST_INTEGRAL_SECONDS if even else SHORTEST_UNEVEN_SECONDS


def counted(telemetry: Telemetry, window: Window) -> tuple[float | None, str]:
    """Return the counter's rise in joules over a window, or None and why there is none."""
    within = slice(window.before, window.after + 1)
    values = telemetry.energy_joules[within]
    known = [joules for joules in values if joules is not None]
    if len(known) != len(values):
        return None, "the energy counter is missing in some samples"
    if any(b < a for a, b in pairwise(known)):
        return None, "the energy counter fell"
    times = telemetry.elapsed_seconds[within]
    ends = (window.end_seconds, window.begin_seconds)
    end, begin = (interpolated(times, known, moment) for moment in ends)
    return end - begin, ""


def integrated(telemetry: Telemetry, window: Window) -> float | None:
    """Return the trapezoidal integral of power in joules over a window, or None.

    Over the readings of ``POWER_LAG_SECONDS`` later, or where they end too soon of the window.
    """
    later = window_between(
        telemetry,
        window.begin_seconds + POWER_LAG_SECONDS,
        window.end_seconds + POWER_LAG_SECONDS,
    )
    window = later if isinstance(later, Window) else window
    within = slice(window.before, window.after + 1)
    values = telemetry.power_watts[within]
    known = [watts for watts in values if watts is not None]
    if len(known) != len(values):
        return None
    times = telemetry.elapsed_seconds[within]
    curve = [
        (window.begin_seconds, interpolated(times, known, window.begin_seconds)),
        *(
            (at, watts)
            for at, watts in zip(times, known, strict=True)
            if window.begin_seconds < at < window.end_seconds
        ),
        (window.end_seconds, interpolated(times, known, window.end_seconds)),
    ]
    return sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in pairwise(curve))


def interpolated(times: Sequence[float], values: Sequence[float], moment: float) -> float:
    """Return the value at a moment between the first and the last of two or more rising times."""
    right = min(bisect_right(times, moment), len(times) - 1)
    left = right - 1
    share = (moment - times[left]) / (times[right] - times[left])
    return values[left] + share * (values[right] - values[left])


def _sampled(telemetry: Telemetry, window: Window) -> list[str]:
    found = []
    if window.after - window.before < MINIMUM_SAMPLES:
        few = units.counted(window.samples, "sample")
        found.append(f"{few} in the steady steps, fewer than {MINIMUM_SAMPLES}")
    longest = MOST_PERIODS_APART * telemetry.period_seconds
    if window.largest_gap_seconds > longest:
        found.append(
            f"no sample for {units.seconds(window.largest_gap_seconds)},"
            f" over {units.seconds(longest)}"
        )
    return found


def _disturbed(telemetry: Telemetry, window: Window) -> list[str]:
    found = []
    reasons = window.inside(telemetry.throttle_reasons)
    often = Counter(reasons)
    for bit, words in SLOWDOWNS.items():
        if slowed := sum(count for each, count in often.items() if each & bit):
            found.append(f"{words} in {slowed} of {len(reasons)} samples")
    count = telemetry.foreign_processes
    if count:
        others = "1 other process" if count == 1 else f"{count:,} other processes"
        found.append(f"{others} computed on the GPU")
    return found


def _not_looked_at(telemetry: Telemetry, window: Window) -> list[str]:
    found = []
    if len(window.inside(telemetry.throttle_reasons)) < window.samples:
        found.append("whether the GPU was slowed down is unknown in some samples")
    if why := telemetry.unavailable.get("foreign_processes"):
        found.append(f"whether another process computed on the GPU is unknown: {why}")
    return found
