"""What part of one card's lead over another the host can explain, from two paths of one method.

An older path of a method does the same arithmetic and has the host start more kernels for it
(``PublishedFigure.older_method``). Both run on one card in one run: what the older one adds is the
host's where the GPU waited meanwhile, which the power of the added time tells. No card's host is
known but those measured here, so the most that a host can do is said, never that it did.
"""

from collections.abc import Iterator
from typing import Literal

import msgspec

from reports.analysis.baselines import settings
from reports.analysis.dataset import Dataset
from reports.published.sources import PublishedFigure
from reports.text import facts, phrases
from reports.text.numbers import hindrance, verdict
from suite import units
from suite.catalog import method as methods
from suite.catalog import profile as profiles
from suite.catalog.method import Method
from suite.estimate import explain
from suite.results.metrics import all_metrics
from suite.results.pooled import paired
from suite.results.replicates import Replicates, summarize
from suite.results.telemetry.long_steps import HALF, LEAST_DEVIATION

#: What the added time was: the host's, the GPU's, not to be told, or too little to ask.
Cause = Literal["waits", "computes", "unknown", "none"]


class PathPair(msgspec.Struct, frozen=True, kw_only=True):
    """Both paths on one card, in one run.

    ``times`` is how many times as long a step of the older one takes. ``added_watts`` is the mean
    power of the time that it takes longer, ``watts`` that of today's path; None is unknown.
    """

    older: Replicates
    today: Replicates
    times: float
    added_watts: float | None
    watts: float | None

    @property
    def cause(self) -> Cause:
        """Return what the GPU did in the added time, by the rule for longer steps of one case."""
        if self.times < 1 + LEAST_DEVIATION:
            return "none"
        if self.added_watts is None or self.watts is None:
            return "unknown"
        return "waits" if self.added_watts < HALF * self.watts else "computes"

    @property
    def card(self) -> str:
        """Return the card's title."""
        return facts.profile_title(self.older.records, self.older.first.profile)


def sentences(figure: PublishedFigure, dataset: Dataset) -> tuple[str, ...]:
    """Return what the host can explain of a figure; nothing where it names no older method."""
    if figure.older_method is None:
        return ()
    older = methods.load(figure.older_method)
    today = methods.load(str(older.reference))
    by_card = {each.older.first.profile: each for each in _paths(figure, older, today, dataset)}
    said = [_measured(each) for each in by_card.values()]
    for slower in figure.slower:
        if slower not in by_card:
            said.append(
                f"{older.title} beside {today.title} was not measured on"
                f" {profiles.load(slower).title} yet: what part of this its host explains is not"
                " known."
            )
            continue
        said += [_most(by_card[slower], faster, dataset) for faster in figure.settings.profiles]
    return (*said, "Which host, version and path the source ran is not known.")


def _paths(
    figure: PublishedFigure, older: Method, today: Method, dataset: Dataset
) -> Iterator[PathPair]:
    """Yield each card's case with good launches of both paths, each seen to have run."""
    seen = set()
    for groups in settings([case.repeats for case in dataset.cases]):
        model, profile = groups[0].case.model.name, groups[0].first.profile
        by_name = {group.case.method.name: group for group in groups}
        ours, base = by_name.get(older.name), by_name.get(today.name)
        if model not in figure.settings.models or ours is None or base is None or profile in seen:
            continue
        if not ours.ok or hindrance(ours, base) or not _ran(ours, "loop"):
            continue
        if not _ran(base, "grouped") or verdict(ours, dataset.references).kind == "bad":
            continue
        times = paired(base, ours, all_metrics()["tokens_per_second"])
        if times is None:
            continue
        seen.add(profile)
        watts, added = _power(ours, base)
        yield PathPair(older=ours, today=base, times=times.value, watts=watts, added_watts=added)


def _ran(group: Replicates, path: str) -> bool:
    """Return whether every good launch was seen to compute its experts so."""
    return all(
        record.effective is not None and record.effective.others.get("experts_path") == path
        for record in group.ok
    )


def _power(older: Replicates, today: Replicates) -> tuple[float | None, float | None]:
    """Return the mean power of today's path, and of what the older one takes longer."""
    metrics = all_metrics()
    rates = [summarize(group, metrics["tokens_per_second"]) for group in (today, older)]
    joules = [summarize(group, metrics["joules_per_token"]) for group in (today, older)]
    if None in rates or None in joules:
        return None, None
    seconds = [1 / rate.median for rate in rates if rate]
    energy = [each.median for each in joules if each]
    longer = seconds[1] - seconds[0]
    added = (energy[1] - energy[0]) / longer if longer > 0 else None
    return energy[0] / seconds[0], added


def _measured(paths: PathPair) -> str:
    older, today = paths.older.case.method.title, paths.today.case.method.title
    launches = phrases.launches(len(paths.older.ok), len(paths.older.records))
    text = (
        f"{paths.card}: a step takes {units.ratio(paths.times)} as long with {older} as with"
        f" {today} ({launches})"
    )
    if paths.cause == "none":
        return f"{text}: the host's part is too small to be seen."
    if paths.cause == "unknown":
        return f"{text}. Their energy is not known, so neither is what the GPU did meanwhile."
    drew = (
        f"{text}. The added time drew {paths.added_watts or 0:,.0f} W, where {today} draws"
        f" {paths.watts or 0:,.0f} W"
    )
    if paths.cause == "computes":
        return f"{drew}: the GPU computed in it, so none of it is shown to be the host's."
    share = units.percent(1 - 1 / paths.times)
    return f"{drew}: the GPU mostly waited, so the host explains up to {share} of such a step."


def _most(paths: PathPair, faster: str, dataset: Dataset) -> str:
    """Return how far ahead a card could be at most, were the host all that is unlike."""
    plan, case = dataset.planner, paths.today.case
    one, other = (
        plan.entry(case, profiles.load(name)) for name in (faster, paths.today.first.profile)
    )
    name, than = explain.marked(one.profile.title, one.profile), other.profile.title
    ratio = explain.ratio(one, other)
    if ratio is None:
        return f"No rate of {name} beside {than} is known, so nothing follows for their order."
    times = paths.times if paths.cause == "waits" else 1.0

    def shown(factor: float) -> str:
        wide = (ratio.high - ratio.low) * factor
        each = [units.about(v * factor, wide) for v in (ratio.value, ratio.low, ratio.high)]
        return f"{each[0]}× ({each[1]}× to {each[2]}×)"

    known = "at" if one.basis == other.basis == "measured" else "estimated at"
    text = (
        f"With {paths.today.case.method.title}, {name} is {known} {shown(1)} the rate of {than}."
    )
    if times == 1.0:
        return f"{text} Nothing measured here shows that a host could change that."
    can = "may" if ratio.high * times > 1 else "cannot"
    if ratio.low * times > 1:
        can = "can"
    return (
        f"{text} With a host that cost nothing, and that of {than} as slow as with the older"
        f" method, it would reach {shown(times)} at most: the host alone {can} turn the order"
        " round."
    )
