"""The dot plot of a model: a row for each method, a mark for each GPU, one metric a figure."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from reports.analysis.dataset import Dataset
from reports.analysis.workloads import CardResult, WorkGroup, works_by_model
from reports.pages.front.marks import Axis, AxisTick, axis
from reports.pages.front.measures import MEASURES, Measure
from reports.pages.front.titles import title
from reports.pages.front.words import gpu_names, workload
from reports.pages.overview import OverviewCell, OverviewTable, most_measured
from reports.published.headline_claim import ClaimCase, claim_cases
from reports.text import phrases
from reports.text.numbers import BASELINE, exact, hindrance, paired_text, peak_memory, record_page
from suite import units
from suite.catalog.engines import PLAIN
from suite.results.metrics import Metric
from suite.results.pooled import paired
from suite.results.record import Record
from suite.results.replicates import MedianWithRange, Replicates, summarize

DEFAULT = "qwen3-32b"
MOST_GPUS = 2  #: that have marks and numbers; the tables below have all


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """One GPU's dot, and the bar over its repeats where there are several; all in percent."""

    kind: str
    at: float
    low: float | None = None
    high: float | None = None


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One number with the record it comes from, or in words why there is none."""

    text: str
    exact: str = ""
    href: str = ""
    note: str = ""
    best: bool = False
    wrong: bool = False


class MemoryBar(msgspec.Struct, frozen=True, kw_only=True):
    """Peak memory: its text, and in percent what it fills of the GPU, None where unknown."""

    text: str
    fill: float | None


class PlotRow(msgspec.Struct, frozen=True, kw_only=True):
    """One method. ``ours`` says that another engine than plain PEFT ran it.

    ``fastest`` says so where it is, outside the noise, and on which GPU where not on all.
    """

    method: str
    ours: bool
    marks: tuple[Mark, ...]
    figures: tuple[Figure, ...]
    fastest: str
    memory: MemoryBar | None


class DotPlot(msgspec.Struct, frozen=True, kw_only=True):
    """One metric of one model. ``memory`` says what the bars are, "" where there are none."""

    measure: Measure
    title: str
    subtitle: str
    gpus: tuple[tuple[str, str], ...]
    ticks: tuple[AxisTick, ...]
    rows: tuple[PlotRow, ...]
    memory: str


class ModelChart(msgspec.Struct, frozen=True, kw_only=True):
    """What is drawn of one model."""

    name: str
    title: str
    plots: tuple[DotPlot, ...]


def charts(dataset: Dataset, tables: Sequence[OverviewTable]) -> tuple[ModelChart, ...]:
    """Return the models that have numbers, the one to begin with first.

    ``tables`` are those of the overview, which know what is fastest and whose losses differ.
    """
    names, cases = gpu_names(dataset), claim_cases(dataset)
    found = []
    for works, table in zip(works_by_model(dataset).values(), tables, strict=True):
        work = most_measured(works)
        plots = _Drawing(work, table, names, [c for c in cases if _within(c, work)]).plots()
        if plots:
            title = phrases.short(work.model.title)
            found.append((work, ModelChart(name=work.model.name, title=title, plots=plots)))
    first = _first([work for work, _ in found])
    return tuple(chart for _, chart in sorted(found, key=lambda each: each[0] is not first))


def _first(works: Sequence[WorkGroup]) -> WorkGroup | None:
    """Return the model to begin with: never the smallest where there is another."""
    usual = next((work for work in works if work.model.name == DEFAULT), None)
    others = works[1:] or works  # works come smallest first
    return usual or max(others, key=lambda each: len(_methods(each)), default=None)


def _methods(work: WorkGroup) -> set[str]:
    return {name for (name, _), cell in work.cells.items() if cell.shown.ok}


def _within(case: ClaimCase, work: WorkGroup) -> bool:
    return any(cell.shown is case.group for cell in work.cells.values())


class _Drawing:
    def __init__(
        self,
        work: WorkGroup,
        table: OverviewTable,
        names: Mapping[str, str],
        cases: Sequence[ClaimCase],
    ) -> None:
        self.work, self.table, self.names, self.cases = work, table, names, cases
        count = {
            profile: sum(bool(cell.shown.ok) for cell in work.on(profile))
            for profile in work.profiles
        }
        known = sorted((p for p in work.profiles if count[p]), key=lambda p: -count[p])
        #: The GPU with the most numbers is last: its marks lie on top.
        self.profiles = tuple(reversed(known[:MOST_GPUS]))

    def plots(self) -> tuple[DotPlot, ...]:
        return tuple(plot for each in MEASURES if (plot := self._plot(each)) is not None)

    def _plot(self, measure: Measure) -> DotPlot | None:
        values = self._values(measure.of)
        known = [value for value in values.values() if value is not None]
        scaled = axis([value.high for value in known])
        if scaled is None:
            return None
        scale = units.scale(measure.scale, [value.median for value in known])
        peaks = {} if measure.name == "memory" else self._values(peak_memory)
        sizes = units.scale("bytes", [value.median for value in peaks.values() if value])
        rows = []
        for index, method in enumerate(self.work.methods):
            figures = tuple(
                self._figure(index, method.name, profile, measure, values, scale)
                for profile in self.profiles
            )
            rows.append(
                PlotRow(
                    method=method.title,
                    ours=method.engine != PLAIN,
                    marks=tuple(self._marks(method.name, values, scaled)),
                    figures=figures,
                    fastest=self._fastest(figures),
                    memory=self._bar(method.name, peaks, sizes),
                )
            )
        gpus = tuple((self._kind(each), self.names[each]) for each in self.profiles)
        return DotPlot(
            measure=measure,
            title=title(measure, self.work, self.cases),
            subtitle=f"{measure.words(scale.unit)}. {workload(self.work)}.",
            gpus=gpus,
            ticks=scaled.ticks(scale.size),
            rows=tuple(rows),
            memory=self._held(sizes.unit) if any(row.memory for row in rows) else "",
        )

    def _fastest(self, figures: Sequence[Figure]) -> str:
        known = [each for each in figures if each.exact]
        if not any(each.best for each in known):
            return ""
        where = [
            self.names[profile]
            for profile, each in zip(self.profiles, figures, strict=True)
            if each.best
        ]
        return "fastest" if len(where) == len(known) else f"fastest on {units.listed(where)}"

    def _kind(self, profile: str) -> str:
        return "full" if profile == self.profiles[-1] else "open"

    def _values(
        self, metric: Callable[[Record], Metric]
    ) -> dict[tuple[str, str], MedianWithRange | None]:
        return {
            place: summarize(cell.shown, metric(cell.shown.best)) for place, cell in self._cells()
        }

    def _cells(self) -> Iterable[tuple[tuple[str, str], CardResult]]:
        return (
            (place, cell) for place, cell in self.work.cells.items() if place[1] in self.profiles
        )

    def _marks(
        self, method: str, values: Mapping[tuple[str, str], MedianWithRange | None], scaled: Axis
    ) -> Iterable[Mark]:
        for profile in self.profiles:
            value = values.get((method, profile))
            if value is None:
                continue
            several = value.launches > 1 and value.low != value.high
            yield Mark(
                kind=self._kind(profile),
                at=scaled.at(value.median),
                low=scaled.at(value.low) if several else None,
                high=scaled.at(value.high) if several else None,
            )

    def _figure(
        self,
        index: int,
        method: str,
        profile: str,
        measure: Measure,
        values: Mapping[tuple[str, str], MedianWithRange | None],
        scale: units.Scale,
    ) -> Figure:
        cell = self.work.cells.get((method, profile))
        if cell is None:
            return Figure(text="not run")
        page, value = record_page(cell.shown.best), values.get((method, profile))
        if value is None:
            text = (
                "unknown" if cell.shown.ok else phrases.OUTCOMES[cell.shown.best.outcome].lower()
            )
            return Figure(text=text, href=page)
        found = self.table.rows[index].cells[self.work.profiles.index(profile)]
        return Figure(
            text=scale.text(value.median),
            exact=exact(value.median),
            href=page,
            note=self._ratio(cell.shown, profile, measure),
            best=measure.name == "speed" and self._ahead(found, profile),
            wrong=found is not None and found.wrong,
        )

    def _ahead(self, cell: OverviewCell | None, profile: str) -> bool:
        """Return whether this is the fastest of its kind of training and of all on its GPU."""
        column = self.work.profiles.index(profile)
        others = [found for row in self.table.rows if (found := row.cells[column])]
        rates = [float(each.tokens.exact) for each in others if each.tokens and not each.wrong]
        if cell is None or cell.tokens is None or not cell.best:
            return False
        return float(cell.tokens.exact) >= max(rates)

    def _ratio(self, group: Replicates, profile: str, measure: Measure) -> str:
        base = self.work.cells.get((BASELINE, profile))
        if base is not None and base.shown is group:
            return "baseline"
        if base is None or hindrance(group, base.shown):
            return ""
        found = paired(group, base.shown, measure.of(group.best))
        return "" if found is None else f"{paired_text(found)} {base.shown.case.method.title}"

    def _held(self, unit: str) -> str:
        """Return what the bars of memory are of, where that is one size for all."""
        totals = {
            total
            for (_, profile), cell in self._cells()
            if profile == self.profiles[-1] and (total := _memory(cell.shown))
        }
        whole = f" of {totals.pop() / 2**30:,.0f}" if len(totals) == 1 and unit == "GiB" else ""
        return f"Peak {unit}{whole}"

    def _bar(
        self,
        method: str,
        peaks: Mapping[tuple[str, str], MedianWithRange | None],
        scale: units.Scale,
    ) -> MemoryBar | None:
        for profile in reversed(self.profiles):
            peak = peaks.get((method, profile))
            if peak is not None:
                total = _memory(self.work.cells[method, profile].shown)
                fill = None if not total else round(min(100 * peak.median / total, 100), 1)
                return MemoryBar(text=f"{peak.median / scale.size:,.0f}", fill=fill)
        return None


def _memory(group: Replicates) -> int | None:
    gpu = group.best.environment.gpu
    return None if gpu is None else gpu.memory_total_bytes
