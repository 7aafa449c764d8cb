"""The pages of models: what each ran, where, how fast and in how much."""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec

from reports.analysis import trends
from reports.analysis.comparable_sets import (
    ComparableSet,
    DisplayNames,
    MethodResult,
    comparable_sets,
    notes,
    pareto_front,
    short,
)
from reports.analysis.dataset import Dataset
from reports.analysis.workloads import profile_titles, work_groups
from reports.charts.drawing import Plot, labels
from reports.charts.style import numbers
from reports.pages.fit_chart import fit_charts
from reports.pages.model import charts as model_charts
from reports.pages.model import lengths, padding
from reports.pages.model import tables as model_tables
from reports.pages.model.lengths import LengthSeries
from reports.pages.model.padding import PackingComparison
from reports.sections import scaling
from reports.text import facts, phrases
from reports.text.blocks import Block
from reports.text.grid import Grid
from reports.text.phrases import bounded
from suite import units
from suite.catalog.model import Model
from suite.results.memoize import once
from suite.results.replicates import Replicates

_PLAIN = re.compile("[a-z0-9][a-z0-9.-]{0,59}")


class ModelSection(msgspec.Struct, frozen=True, kw_only=True):
    """Charts of one thing, and their numbers as a table. ``said`` are sentences below them."""

    anchor: str
    title: str
    plots: tuple[Plot, ...]
    said: tuple[str, ...]
    notes: tuple[str, ...]
    table: Grid


class ModelPage(msgspec.Struct, frozen=True, kw_only=True):
    """The page of one model. ``single`` are the works that a curve or a comparison holds too."""

    title: str
    lead: str
    fit: Plot | None
    facts: facts.Facts
    works: tuple[ModelSection, ...]
    lengths: tuple[ModelSection, ...]
    padding: tuple[ModelSection, ...]
    scaling: tuple[Block, ...]
    single: tuple[ModelSection, ...]
    failed: Grid | None
    weights: tuple[str, ...]

    @property
    def plots(self) -> Iterator[Plot]:
        """Yield the charts of its sections."""
        for section in (*self.works, *self.lengths, *self.padding, *self.single):
            yield from section.plots


class ModelResults(msgspec.Struct, frozen=True, kw_only=True):
    """One model with its file's name and its sets of comparable rows, the largest first."""

    model: Model
    file: str
    comparable_sets: tuple[ComparableSet, ...]
    names: DisplayNames

    @property
    def entries(self) -> tuple[MethodResult, ...]:
        """Return every method on every card at every work."""
        return tuple(entry for peers in self.comparable_sets for entry in peers.entries)


def pages(dataset: Dataset) -> Iterator[tuple[str, ModelPage]]:
    """Yield file name and page of every model that has a record."""
    for tuned in models(dataset):
        yield tuned.file, _page(tuned, dataset)


@once
def models(dataset: Dataset) -> tuple[ModelResults, ...]:
    """Return every model that has a record, in the report's order."""
    by_model: dict[Model, list[ComparableSet]] = {}
    for work in work_groups(dataset):
        by_model.setdefault(work.model, []).extend(comparable_sets(work, dataset))
    cards = labels(profile_titles(dataset).items())
    results, taken = [], set[str]()
    for model, peers in by_model.items():
        file = _file(model, taken)
        taken.add(file)
        largest = sorted(peers, key=lambda each: -len(each.entries))
        methods = {e.method: e.group.case.method for p in largest for e in p.entries}
        names = DisplayNames(
            methods=labels((name, method.title) for name, method in methods.items()),
            cards=cards,
            numbers=numbers(methods.values()),
        )
        results.append(
            ModelResults(model=model, file=file, comparable_sets=tuple(largest), names=names)
        )
    return tuple(results)


def _file(model: Model, taken: set[str]) -> str:
    """Return a file name that no stranger chose: a plain name as it is, else a digest."""
    file = f"{model.name}.html"
    if not _PLAIN.fullmatch(model.name) or file in taken:
        digest = hashlib.sha256(msgspec.json.encode(model, order="deterministic")).hexdigest()
        file = f"model-{digest[:16]}.html"
    return file


def _page(tuned: ModelResults, dataset: Dataset) -> ModelPage:
    names, model = tuned.names, tuned.model
    by_length = lengths.length_series(tuned.comparable_sets)
    by_packing = padding.packing_comparisons(tuned.comparable_sets)
    members = [*(each.members for each in by_length), *(each.members for each in by_packing)]
    together = {peers for each in members for peers in each} - {tuned.comparable_sets[0]}
    ran = [entry for entry in tuned.entries if entry.group.ok]
    cards = ", ".join(
        names.cards[name] for name in dict.fromkeys(e.profile for e in tuned.entries)
    )
    budget = _Budget()
    # Curves first: of what a page may draw they say most.
    curves = [
        _lengths(f"length-{place}", series, names, budget)
        for place, series in enumerate(by_length, 1)
    ]
    return ModelPage(
        title=short(model.title),
        lead=f"{units.counted(len(tuned.entries), 'case')}, {len(ran)} with numbers, on {cards}.",
        fit=fit_charts(dataset).get(model),
        facts=_facts(model, ran),
        works=tuple(
            _work(f"work-{place}", peers, names, budget)
            for place, peers in enumerate(tuned.comparable_sets, 1)
            if peers not in together
        ),
        lengths=tuple(curves),
        padding=tuple(
            _padding(f"padding-{place}", comparison, names, budget)
            for place, comparison in enumerate(by_packing, 1)
        ),
        scaling=tuple(scaling.of_model(dataset, model)),
        single=tuple(
            _work(f"work-{place}", peers, names, budget, each_card=False)
            for place, peers in enumerate(tuned.comparable_sets, 1)
            if peers in together
        ),
        failed=model_tables.failed(dataset, model, names),
        weights=phrases.weights(e.group.best for e in ran),
    )


class _Budget:
    """Charts that a page may still have, all together and of single cards."""

    def __init__(self) -> None:
        self.all, self.single = MOST_CHARTS, MOST_SINGLE

    def drawn(self, draw: Callable[[], Iterable[Plot | None]]) -> tuple[tuple[Plot, ...], str]:
        """Return a section's charts, or none and a sentence that says so."""
        if self.all <= 0:
            return (), f"Not drawn: a page has some {MOST_CHARTS} charts. The table has it all."
        plots = tuple(plot for plot in draw() if plot is not None)
        self.all -= len(plots)
        return plots, ""


def _work(
    anchor: str,
    peers: ComparableSet,
    names: DisplayNames,
    budget: _Budget,
    *,
    each_card: bool = True,
) -> ModelSection:
    """Return one work; a card without charts of its own has its Pareto front in words."""
    plots, undrawn = budget.drawn(lambda: [model_charts.throughput(peers, names)])
    shown: list[Plot | None] = [*plots]
    sentences = [undrawn] if undrawn else []
    for profile in peers.profiles:
        drawn = each_card and not undrawn and budget.single >= len(_EACH_CARD)
        charts = [each(peers, profile, names) for each in _EACH_CARD] if drawn else [None]
        budget.single -= sum(chart is not None for chart in charts)
        shown += charts
        if charts[0] is None and (best := pareto_front(peers.on(profile))):
            sentences.append(f"{names.cards[profile]}. {model_charts.front_text(best, names)}")
    return ModelSection(
        anchor=anchor,
        title=peers.title,
        plots=tuple(plot for plot in shown if plot is not None),
        said=tuple(sentences),
        notes=notes(peers.entries, names),
        table=model_tables.methods(peers, names),
    )


_EACH_CARD = (model_charts.memory, model_charts.ladder)
#: Charts of single cards on one page; more would hide what they show, and take seconds to draw.
MOST_SINGLE = 8
#: Others; each takes some 50 ms to draw, and a page of a hundred would show nothing.
MOST_CHARTS = 24


def _lengths(
    anchor: str, series: LengthSeries, names: DisplayNames, budget: _Budget
) -> ModelSection:
    plots, undrawn = budget.drawn(lambda: lengths.plots(series, names))
    return ModelSection(
        anchor=anchor,
        title=series.title,
        plots=plots,
        said=_said(undrawn, series.entries, trends.over_lengths, names),
        notes=notes(series.entries, names),
        table=lengths.table(series, names),
    )


def _padding(
    anchor: str, comparison: PackingComparison, names: DisplayNames, budget: _Budget
) -> ModelSection:
    plots, undrawn = budget.drawn(lambda: padding.plots(comparison, names))
    return ModelSection(
        anchor=anchor,
        title=comparison.title,
        plots=plots,
        said=_said(undrawn, comparison.entries, trends.over_packings, names),
        notes=notes(comparison.entries, names),
        table=padding.table(comparison, names),
    )


def _said(
    undrawn: str,
    entries: Sequence[MethodResult],
    sentences: Callable[[Sequence[Replicates]], Iterable[str]],
    names: DisplayNames,
) -> tuple[str, ...]:
    """Return what is said of a section's ratios, card by card."""
    said = [undrawn] if undrawn else []
    profiles = sorted({entry.profile for entry in entries})
    for profile in profiles:
        mine = [entry.group for entry in entries if entry.profile == profile and entry.counts]
        card = f"{names.cards[profile]}. " if len(profiles) > 1 else ""
        said += [f"{card}{text}" for text in sentences(mine)]
    return tuple(said)


def _facts(model: Model, ran: Sequence[MethodResult]) -> facts.Facts:
    shapes, experts = model.architecture, model.architecture.experts
    active = model.active_parameters
    hub = "none" if model.hub_id is None else model.hub_id
    if model.hub_id is not None:
        hub += f", revision {model.hub_revision or 'not pinned'}"
    size = f"{shapes.layers} layers, hidden size {shapes.hidden_size:,}"
    weights: Mapping[str, None] = dict.fromkeys(e.group.best.weights for e in ran)
    terms = [
        ("Parameters", units.count(model.parameters)),
        ("Active parameters a token", "" if active is None else units.count(active)),
        ("Shapes", f"{size}, vocabulary {shapes.vocabulary_size:,}"),
        ("Experts", "" if experts is None else f"{experts.count}, {experts.active} a token"),
        ("Longest row", f"{shapes.max_positions:,} tokens"),
        ("Licence", model.license),
        ("Weights on the Hugging Face hub", hub),
        ("Weights that ran", phrases.weights_named(weights) or "none"),
        ("Shapes from", model.source),
    ]
    return tuple((term, bounded(text)) for term, text in terms if text)
