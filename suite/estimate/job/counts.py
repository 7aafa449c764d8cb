"""One GPU, two, four or eight: which does a job for the least rent, and which in the least time.

Numbers of one GPU model are compared with one method, the quickest on the fewest GPUs, by factors
in which what is unknown of a single GPU cancels. Each GPU has the rows that one has alone, so a
step takes longer by exactly as much as the job costs more.
"""

from collections.abc import Iterable, Sequence

import msgspec

from suite import units
from suite.catalog.case import Case, unsupported_reason
from suite.catalog.parallel import WORDS, Parallel, ParallelName
from suite.catalog.prices import Price
from suite.estimate import explain
from suite.estimate.interval import Interval
from suite.estimate.job.answer import duration, in_words, short
from suite.estimate.job.ratios import times_as_long
from suite.estimate.planner import Entry, Job, Planner, rent

CLOSE = 1.01  #: a ratio that may be as small tells nothing apart
_WAYS: tuple[ParallelName, ...] = ("ddp", "fsdp2")


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """One number of GPUs. ``dearer``: GPU-hours over those of one GPU, were there room on it."""

    entry: Entry
    dearer: Interval

    def dearer_than(self, other: "Option") -> Interval:
        """Return the GPU-hours over those of another number of GPUs.

        What is unknown of waits moves two estimates alike, and an estimate and a measurement each
        on its own.
        """
        ours, theirs = self.dearer, other.dearer
        if self.entry.basis != other.entry.basis:
            return ours.times(theirs.map(lambda each: 1 / each))
        value = ours.value / theirs.value
        ends = (ours.low / theirs.low, value, ours.high / theirs.high)
        return Interval(value=value, low=min(ends), high=max(ends))

    def faster_than(self, other: "Option") -> Interval:
        """Return how many times as fast it is as another number of GPUs."""
        more = self.entry.gpus / other.entry.gpus
        return self.dearer_than(other).map(lambda each: more / each)


class CountAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One job, one model and one GPU model: ``options`` by number of GPUs, with one method.

    ``entries`` are all rows that were asked for. ``options`` is empty where none has a time.
    ``together``: some of these GPUs were measured together, without which nothing is estimated.
    """

    entries: tuple[Entry, ...]
    options: tuple[Option, ...]
    job: Job
    together: bool


def spread(
    plan: Planner, alone: Entry, counts: Iterable[int], kind: ParallelName | None
) -> list[Entry]:
    """Return an entry of one GPU on each number of them, spread as ``kind`` says.

    None is DDP where one GPU has room for the whole model, and FSDP2 where it has not or where
    that was measured.
    """
    found = []
    for count in counts:
        if count == 1:
            found.append(alone)
        elif kind is not None:
            found.append(plan.entry(_on(alone.case, kind, count), alone.profile))
        else:
            whole, shared = (
                plan.entry(_on(alone.case, each, count), alone.profile) for each in _WAYS
            )
            if whole.verdict != "does not fit" or unsupported_reason(shared.case):
                found.append(whole)
            if shared.basis == "measured" or whole not in found:
                found.append(shared)
    return found


def answer(entries: Sequence[Entry], job: Job, plan: Planner) -> CountAnswer:
    """Return the comparison; ``entries`` are of one GPU model and one model, at least one."""
    timed = [entry for entry in entries if entry.tokens_per_second is not None]
    options: list[Option] = []
    if timed:
        first = max(timed, key=lambda each: (-each.gpus, each.basis == "measured", _rate(each)))
        fewest = [each for each in timed if each.gpus == first.gpus]
        method = max(fewest, key=_rate).case.method.name
        mine = [each for each in timed if each.case.method.name == method]
        best = {
            count: max(
                (each for each in mine if each.gpus == count),
                key=lambda each: (each.basis == "measured", _rate(each)),
            )
            for count in sorted({each.gpus for each in mine})
        }
        options = [
            Option(entry=entry, dearer=found)
            for entry in best.values()
            if (found := _longer(entry, plan)) is not None
        ]
    return CountAnswer(
        entries=tuple(entries),
        options=tuple(options),
        job=job,
        together=plan.groups.knows(entries[0].profile),
    )


def sentences(found: CountAnswer, known: Sequence[Price]) -> list[str]:
    """Return time and rent on each number of GPUs, the cheapest and the fastest, and the basis."""
    if all(option.entry.gpus == 1 for option in found.options):
        return [lacking] if (lacking := lacks(found)) else []
    first = found.options[0].entry
    takes = [_takes(option.entry, found.job, known) for option in found.options]
    where = f"{short(first.profile)}, {first.case.model.title} with {first.case.method.title}"
    return [f"{where}: {'; '.join(takes)}.", *compared(found)]


def lacks(found: CountAnswer) -> str:
    """Return why nothing is known of several GPUs; "" where it is, or one alone was asked for."""
    several = next((each for each in found.entries if each.gpus > 1), None)
    if several is None or any(option.entry.gpus > 1 for option in found.options):
        return ""
    if not found.together:
        return (
            f"No two {short(several.profile)} were measured together, so nothing is estimated of"
            " several; ./tunebench run --tier two-gpus measures it."
        )
    title = several.case.model.title
    return f"On several {short(several.profile)}, {title} has no estimate: {several.reason}."


def compared(found: CountAnswer) -> list[str]:
    """Return the cheapest and the fastest number of GPUs, and the basis: the same for any job."""
    if len(found.options) < 2:
        return [_basis(found.options)]
    return [_cheapest(found.options), _fastest(found.options), _basis(found.options)]


def notes(entries: Sequence[Entry], plan: Planner) -> list[str]:
    """Return what a reader must know of rows on several GPUs; nothing where there is none."""
    several = [entry for entry in entries if entry.gpus > 1]
    said = []
    if several:
        said.append(
            "On several GPUs each takes as many sequences a step as one alone: steps are fewer and"
            " train more tokens each. Memory is that of each GPU, energy and rent are of all."
        )
    estimated = [entry for entry in several if entry.basis == "projected"]
    growth = plan.groups.longer
    if not estimated or growth is None:
        return said
    measured = {each.case.gpus for each in plan.groups.samples}
    most = max(measured)
    on_most = growth.factor(most)
    said.append(
        "Estimated on several GPUs: the step of one, the data they exchange at the rates measured"
        f" between {in_words(most)} of these GPUs, and a factor for waits. On"
        f" {in_words(most)} a step takes {_times(on_most)} as long, by {growth.cases} measured"
        " cases; nine of ten others are expected within."
    )
    if any(entry.gpus > most for entry in estimated):
        said.append(
            f"Nothing was measured on more than {in_words(most)}: each doubling is assumed to"
            f" cost as much as the first, or no more than {in_words(most)} GPUs do, which is"
            " the interval's other end. NVLink is assumed to be as fast between all of them."
        )
    return said


def why(entry: Entry, plan: Planner) -> list[str]:
    """Return what an estimated step of several GPUs is made of; nothing of another entry."""
    between = plan.groups.exchange_seconds(entry.case, entry.profile)
    parallel = entry.case.parallel
    if (
        parallel is None
        or entry.longer is None
        or entry.tokens_per_second is None
        or between is None
    ):
        return []
    step = entry.tokens_per_second.map(lambda each: entry.case.workload.step_tokens / each)
    alone = units.estimated("seconds", step.value / entry.longer.value)
    where = f"{entry.gpus} {short(entry.profile)} ({WORDS[parallel.kind]})"
    return [
        f"{entry.case.method.title} on {where}, estimated: a step of {step.text('seconds')}: one"
        f" GPU's {alone}, with waits {_times(entry.longer)} as long; what they exchange takes"
        f" {units.estimated('seconds', between)} alone, beside it."
    ]


def way(entry: Entry) -> str:
    """Return how many GPUs an entry is on, and how: ``1``, ``2 DDP``."""
    parallel = entry.case.parallel
    return "1" if parallel is None else f"{parallel.gpus} {WORDS[parallel.kind]}"


def _on(case: Case, kind: ParallelName, gpus: int) -> Case:
    load = msgspec.structs.replace(case.workload, parallel=Parallel(kind=kind, gpus=gpus))
    return msgspec.structs.replace(case, workload=load)


def _rate(entry: Entry) -> float:
    return 0.0 if entry.tokens_per_second is None else entry.tokens_per_second.value


def _longer(entry: Entry, plan: Planner) -> Interval | None:
    """Return how many times as long a step takes as one GPU's alone; None is unknown."""
    rate, alone = entry.tokens_per_second, entry.alone
    if alone is None or rate is None:
        return Interval(value=1, low=1, high=1)
    if entry.basis != "measured":
        return entry.longer
    if alone.tokens_per_second is None:
        return None
    of_each = rate.map(lambda together: together / entry.gpus)
    scaled = msgspec.structs.replace(entry, tokens_per_second=of_each)
    return times_as_long(scaled, alone, plan.ratio_widths, plan.scatter)


def _takes(entry: Entry, job: Job, known: Sequence[Price]) -> str:
    assert entry.tokens_per_second is not None
    seconds = job.time(entry.tokens_per_second)
    text = f"on {in_words(entry.gpus)} {duration(seconds, entry.basis == 'measured')}"
    dollars = rent(seconds, known, entry.gpus)
    if dollars is not None:
        price = explain.dollars(dollars.value)
        if entry.basis != "measured":
            price = f"about USD {units.about(dollars.value)}"
        text += f" and {price} of rent"
    return text


def _cheapest(options: Sequence[Option]) -> str:
    least = min(options, key=lambda each: each.dearer.value)
    others = [(each, each.dearer_than(least)) for each in options if each is not least]
    name = _count(least.entry.gpus)
    close = [in_words(each.entry.gpus) for each, ratio in others if ratio.low <= CLOSE]
    (first, ratio), *rest = others
    text = f"{name} cost{'s' if least.entry.gpus == 1 else ''} the least; {_costs(first)}"
    text += f" {_times(ratio)} as much"
    for each, ratio in rest:
        text += f", {in_words(each.entry.gpus)} {_times(ratio)}"
    return f"{text}. {f'Too close to call with {units.listed(close)}.' if close else ''}".rstrip()


def _costs(option: Option) -> str:
    return f"{in_words(option.entry.gpus)} cost{'s' if option.entry.gpus == 1 else ''}"


def _fastest(options: Sequence[Option]) -> str:
    fewest = options[0]
    most = max(options, key=lambda each: each.faster_than(fewest).value)
    if most is fewest:
        return f"{_count(fewest.entry.gpus)} {'is' if fewest.entry.gpus == 1 else 'are'} as fast."
    close = [
        in_words(each.entry.gpus)
        for each in options
        if each is not most and most.faster_than(each).low <= CLOSE
    ]
    text = f"{_count(most.entry.gpus)} are the fastest"
    if close:
        text += f", too close to call with {units.listed(close)}"
    return f"{text}: {_times(most.faster_than(fewest))} as fast as {in_words(fewest.entry.gpus)}."


def _basis(options: Sequence[Option]) -> str:
    measured = [in_words(o.entry.gpus) for o in options if o.entry.basis == "measured"]
    estimated = [in_words(o.entry.gpus) for o in options if o.entry.basis != "measured"]
    if not estimated:
        return "All measured."
    begin = f"Measured on {units.listed(measured)}, e" if measured else "E"
    return f"{begin}stimated on {units.listed(estimated)}."


def _times(found: Interval) -> str:
    width = found.high - found.low
    value, low, high = (units.about(each, width) for each in (found.value, found.low, found.high))
    return f"{value} times" if low == high else f"{value} times ({low} to {high})"


def _count(gpus: int) -> str:
    """Return how many GPUs, to begin a sentence."""
    return f"{in_words(gpus).capitalize()} GPU{'' if gpus == 1 else 's'}"
