"""What a job takes on one GPU, in sentences that begin with the answer.

The page Plan writes the same sentences in ``reports/rendering/static/plan.js``.
"""

import math
import statistics
from collections.abc import Mapping, Sequence

import msgspec

from suite import units
from suite.catalog.profile import Profile
from suite.estimate.interval import Interval
from suite.estimate.job.ratios import MethodRatio
from suite.estimate.planner import OVERNIGHT_SECONDS, Entry, Job, Overnight, overnight
from suite.results.memory.fits_card import card_bytes
from suite.results.record import whose

_NUMBERS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
_AN = "AEFHILMNORSX"  #: letters whose names begin with a vowel: an H100, an RTX 4090, a B200
_MONTH_HOURS = 730
_DONE: Mapping[Overnight, str] = {
    "yes": "the job is done",
    "no": "the job is not done",
    "borderline": "the job is borderline",
}


class JobAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One job, one model and one GPU, with some methods.

    ``entries`` are all of them, ``ranked`` those with a time, the quickest first. ``level`` are
    the quickest and those that cannot be told apart from it; ``seconds`` and ``tokens`` (trained
    in ``hours``, epochs counted in) span them and are None where no method has a time.
    """

    entries: tuple[Entry, ...]
    ranked: tuple[MethodRatio, ...]
    level: tuple[Entry, ...]
    job: Job
    hours: float
    seconds: Interval | None
    tokens: Interval | None


def answer(
    entries: Sequence[Entry],
    ranked: Sequence[MethodRatio],
    job: Job,
    hours: float = OVERNIGHT_SECONDS / 3600,
) -> JobAnswer:
    """Return the answer; ``ranked`` is of these entries, which are at least one."""
    level = tuple(each.entry for each in ranked if not each.told_apart)
    rates = [entry.tokens_per_second for entry in level if entry.tokens_per_second is not None]
    return JobAnswer(
        entries=tuple(entries),
        ranked=tuple(ranked),
        level=level,
        job=job,
        hours=hours,
        seconds=_span([job.time(rate) for rate in rates]),
        tokens=_span([rate.map(lambda each: each * 3600 * hours) for rate in rates]),
    )


def sentences(found: JobAnswer) -> list[str]:
    """Return the answer: time, memory, how much the hours at hand are enough for, the basis."""
    if found.seconds is None or found.tokens is None:
        return [_none(found)]
    first = found.entries[0]
    where = f"On {article(first.profile)} {short(first.profile)}, tuning {first.case.model.title}"
    measured = all(entry.basis == "measured" for entry in found.level)
    work = f"{amount(found.job.tokens)} tokens"
    if found.job.epochs != 1:
        work += f" × {found.job.epochs:,g} epochs"
    took = duration(found.seconds, measured)
    said = [f"{where} on {work} takes {took} {_methods(found)}."]
    if needs := _memory(found):
        said.append(needs)
    night = found.hours == OVERNIGHT_SECONDS / 3600
    enough = tokens(found.tokens, measured)
    done = _DONE[overnight(found.seconds, found.hours * 3600)]
    said.append(
        f"{'Overnight' if night else 'In the time'} ({found.hours:,g} h):"
        f" {'' if measured else 'about '}{enough}; {done}."
    )
    return [*said, _basis(found)]


def brief(found: JobAnswer) -> str:
    """Return the time and what it rests on, for a GPU that others are compared with."""
    said = sentences(found)
    return " ".join(dict.fromkeys((said[0], said[-1])))


def compared(found: JobAnswer) -> str:
    """Return how the methods compare on the GPU; "" where fewer than two have a time."""
    if len(found.ranked) < 2:
        return ""
    first, *rest = found.ranked
    said = [f"{first.entry.case.method.name} has the shortest time"]
    said += [f"{each.entry.case.method.name} takes {beside(each)}" for each in rest]
    return f"{first.entry.profile.name}: {'; '.join(said)}."


def beside(option: MethodRatio) -> str:
    """Return how an option stands to the quickest: ``1.1× as long (0.76–1.5), too close to call``.

    In the digits of an estimate, as no ratio here deserves more.
    """
    if option.longer is None:
        return "about as long, too close to call"
    ends = option.longer.low, option.longer.high
    value, low, high = (
        units.about(each, ends[1] - ends[0]) for each in (option.longer.value, *ends)
    )
    close = "" if option.told_apart else ", too close to call"
    return f"{value}× as long ({low}–{high}){close}"


def duration(seconds: Interval, measured: bool) -> str:
    """Return ``about 1½ days (20 to 53 h)``, or ``12.5 h`` of what was measured once."""
    size, unit = (3600.0, "h") if seconds.value >= 3600 else (60.0, "min")
    value, low, high = (each / size for each in (seconds.value, seconds.low, seconds.high))
    width = high - low
    texts = [
        units.three(each) if measured else units.about(each, width) for each in (value, low, high)
    ]
    text = f"{texts[0]} {unit}" if measured else f"about {texts[0]} {unit}"
    if value >= 24 and unit == "h" and not measured:
        text = f"about {_days(value / 24)}"
    return text if texts[1] == texts[2] else f"{text} ({texts[1]} to {texts[2]} {unit})"


def tokens(found: Interval, measured: bool) -> str:
    """Return ``30 M tokens (16 to 64 M)``."""
    size, unit = _size(found.value)
    value, low, high = (each / size for each in (found.value, found.low, found.high))
    texts = [
        units.three(each) if measured else units.about(each, high - low)
        for each in (value, low, high)
    ]
    unit = f" {unit}" if unit else ""
    text = f"{texts[0]}{unit} tokens"
    return text if texts[1] == texts[2] else f"{text} ({texts[1]} to {texts[2]}{unit})"


def amount(value: float) -> str:
    """Return a number of tokens that somebody chose: ``120 M``, ``1.5 B``, ``800``."""
    size, unit = _size(value)
    text = f"{value / size:,.3f}".rstrip("0").rstrip(".")
    return f"{text} {unit}" if unit else text


def memory(entry: Entry) -> str:
    """Return what an entry needs of its GPU: ``23 of 96 GiB``; "unknown" where that is so."""
    offered = card_bytes(entry.profile)
    if entry.needs_bytes is None or offered is None:
        return "unknown"
    return f"{_gib(entry.needs_bytes.value)} of {_gib(offered)} GiB"


def short(profile: Profile) -> str:
    """Return a GPU's title without its vendor."""
    return profile.title.removeprefix("NVIDIA ")


def article(profile: Profile) -> str:
    """Return "a" or "an", as the GPU's short title is read."""
    return "an" if short(profile)[:1].upper() in _AN else "a"


def in_words(number: int) -> str:
    """Return a small number as a word, a larger one in digits."""
    return _NUMBERS[number] if number < len(_NUMBERS) else str(number)


def too_many(jobs_a_month: float, seconds: Interval) -> str:
    """Return that a month is too short for so many jobs; "" where it is not."""
    hours = jobs_a_month * seconds.value / 3600
    if hours <= _MONTH_HOURS:
        return ""
    return (
        f"{jobs_a_month:,g} jobs a month take about {units.about(hours)} h;"
        f" a month has {_MONTH_HOURS} h."
    )


def _none(found: JobAnswer) -> str:
    first = found.entries[0]
    where = f"On {article(first.profile)} {short(first.profile)}, {first.case.model.title}"
    known = [e for e in found.entries if e.needs_bytes and e.verdict == "does not fit"]
    if not known:
        return f"{where} has no estimate: {first.reason}."
    least = min(known, key=_needs)
    if len(found.entries) == 1:
        return f"{where} does not fit with {least.case.method.title}, which needs {memory(least)}."
    return (
        f"{where} fits with none of {in_words(len(found.entries))} methods: the least,"
        f" {least.case.method.title}, needs {memory(least)}."
    )


def _methods(found: JobAnswer) -> str:
    """Return with which methods the time holds, and how the others compare."""
    names = [entry.case.method.title for entry in found.level]
    slower = [each for each in found.ranked if each.told_apart]
    if len(found.ranked) == 1:
        only = "" if len(found.entries) == 1 else ", the only method with a time"
        return f"with {names[0]}{only}"
    if not slower:
        return (
            f"with any of {in_words(len(names))} methods; they differ by less than the uncertainty"
        )
    ratios = [each.longer.value for each in slower if each.longer is not None]
    low, high = units.about(min(ratios)), units.about(max(ratios))
    span = low if low == high else f"{low} to {high}"
    rest = slower[0].entry.case.method.title if len(slower) == 1 else "the others"
    takes = f"{rest} take{'s' if len(slower) == 1 else ''} {span} times as long"
    close = "" if len(names) == 1 else " (too close to call)"
    return f"with {units.listed(names, 'or')}{close}; {takes}"


def _memory(found: JobAnswer) -> str:
    known = [each.entry for each in found.ranked if each.entry.needs_bytes is not None]
    if not known:
        return ""
    least = min(known, key=_needs)
    unsure = [e.case.method.title for e in known if e.verdict != "fits"]
    may = f" May not fit: {', '.join(unsure)}." if unsure else ""
    least_of = "" if len(known) == 1 else " the least memory:"
    return f"{least.case.method.title} needs{least_of} {memory(least)}.{may}"


def _needs(entry: Entry) -> float:
    return math.inf if entry.needs_bytes is None else entry.needs_bytes.value


def _basis(found: JobAnswer) -> str:
    if all(entry.basis == "measured" for entry in found.level):
        least = min(entry.launches for entry in found.level)
        each = " each" if len(found.level) > 1 else ""
        givers = {whose(entry.records[0]) for entry in found.level}
        by = f" {givers.pop()}" if len(givers) == 1 and "" not in givers else ""
        return f"Measured on this GPU{by}, {units.counted(least, 'repeat')}{each}."
    if any(entry.basis == "measured" for entry in found.level):
        return "Part measured, part estimated."
    known = found.level[0].projection
    if known is not None and known.card_measured:
        return "Estimated from other workloads on this GPU."
    return "Estimated, not measured on this GPU."


def _span(parts: Sequence[Interval]) -> Interval | None:
    if not parts:
        return None
    return Interval(
        value=statistics.median(part.value for part in parts),
        low=min(part.low for part in parts),
        high=max(part.high for part in parts),
    )


def _days(value: float) -> str:
    if value >= 10:
        return f"{units.about(value)} days"
    whole, half = divmod(math.floor(2 * value + 0.5), 2)
    text = f"{whole}{'½' if half else ''}"
    return f"{text} {'day' if text == '1' else 'days'}"


def _size(value: float) -> tuple[float, str]:
    sizes = ((1e9, "B"), (1e6, "M"), (1e3, "k"))
    return next((pair for pair in sizes if value >= pair[0]), (1.0, ""))


def _gib(value: float) -> str:
    size = value / 2**30
    return f"{size:.0f}" if size >= 9.95 else f"{size:.1f}"
