"""Does it fit my GPU? Bars of what each method needs, with lines at the sizes of GPUs."""

from collections.abc import Mapping, Sequence

import msgspec

from reports.analysis.dataset import Dataset
from reports.analysis.workloads import WorkGroup, works_by_model
from reports.charts.bars import Bar, Threshold, bars
from reports.charts.drawing import Caption, Plot, labels
from reports.charts.style import numbers
from reports.pages.front.words import gpu_names, workload
from reports.pages.overview import most_measured
from reports.text import phrases
from suite import units
from suite.catalog import profile as profiles
from suite.catalog.model import Model
from suite.results.memoize import once
from suite.results.memory import fits_card as fits

_GIB = 2**30
_APART = 7.0  #: GiB between two lines whose heads would touch on one height


class _Size(msgspec.Struct, frozen=True, kw_only=True):
    """GPUs whose memory is the same in whole GiB; ``bytes`` is the least of theirs."""

    gib: int
    bytes: float
    names: tuple[str, ...]


@once
def fit_charts(dataset: Dataset) -> Mapping[Model, Plot]:
    """Return a chart for each model with a number of a GPU, at the work that stands for it."""
    found = {}
    names = gpu_names(dataset)
    for works in works_by_model(dataset).values():
        work = most_measured(works)
        plot = _plot(work, names)
        if plot is not None:
            found[work.model] = plot
    return found


def _plot(work: WorkGroup, names: Mapping[str, str]) -> Plot | None:
    needs, where = {}, dict[str, None]()
    for method in work.methods:
        cells = {p: cell for p in work.profiles if (cell := work.cells.get((method.name, p)))}
        good = [record for cell in cells.values() for record in cell.shown.ok]
        need = fits.largest_need(good)
        if need.least_bytes is not None:
            needs[method.name] = need
            where |= {names[profile]: None for profile, cell in cells.items() if cell.shown.ok}
    if not needs:
        return None
    titles = labels((each.name, each.title) for each in work.methods)
    series = numbers(work.methods)
    sizes = _sizes()
    smallest = {name: _smallest(need, sizes) for name, need in needs.items()}
    order = sorted(needs, key=lambda name: needs[name].least_bytes or 0)
    listed_bars = []
    for name in order:
        least, most = needs[name].least_bytes, needs[name].fragmented_bytes
        assert least is not None
        size = smallest[name]
        said = f"{least / _GIB:.1f}" + (f", fits {size.gib}" if size else ", fits none listed")
        title = f"{titles[name]} needs {units.bytes_(least)}"
        if most is not None and most > least:
            title += f", with fragmentation {units.bytes_(most)}"
        listed_bars.append(
            Bar(
                label=titles[name],
                number=series[name],
                value=least / _GIB,
                low=least / _GIB,
                high=None if most is None else most / _GIB,
                text=said,
                title=title,
            )
        )
    highest = max(bar.high or bar.value or 0 for bar in listed_bars)
    shown = [size for size in sizes if size.gib <= highest * 1.1]
    shown += sizes[len(shown) : len(shown) + 1]
    lines = "; ".join(f"{each.gib} GiB {units.listed(each.names)}" for each in shown)
    caption = Caption(
        title=f"{phrases.short(work.model.title)}: {_finding(order, smallest, titles)}",
        measure=f"Peak GPU memory in GiB, loading included. {workload(work)}",
        about=f"{phrases.short(work.model.title)}, {work.title}",
        description="A bar is the tensors' peak plus the CUDA context; the line behind it adds"
        " fragmentation. “Fits” leaves 5 % free. "
        f"Dashed lines are GPUs: {lines}.",
        source=f"Measured on {units.listed(list(where))}; the larger need of all",
    )
    return bars(caption, "GiB", listed_bars, *_marks(shown))


def _marks(shown: Sequence[_Size]) -> list[Threshold]:
    """Return a line for each size, its head one line higher where it would touch the last."""
    marks: list[Threshold] = []
    before, level = -_APART, 0
    for size in shown:
        level = 1 - level if size.gib - before < _APART else 0
        before = size.gib
        title = f"{size.gib} GiB: {units.listed(size.names)}"
        marks.append(
            Threshold(value=size.bytes / _GIB, label=str(size.gib), title=title, level=level)
        )
    return marks


def _finding(
    order: Sequence[str], smallest: Mapping[str, _Size | None], titles: Mapping[str, str]
) -> str:
    """Return what the least and the largest need fit, in a few words."""
    first, last = smallest[order[0]], smallest[order[-1]]
    if first is None:
        return "no method fits a listed GPU"
    if first == last:
        every = f"all {len(order)} methods fit" if len(order) > 1 else f"{titles[order[0]]} fits"
        return f"{every} {first.gib} GiB"
    needs = "fits no listed GPU" if last is None else f"needs {last.gib}"
    return f"{titles[order[0]]} fits {first.gib} GiB; {titles[order[-1]]} {needs}"


def _smallest(need: fits.Need, sizes: Sequence[_Size]) -> _Size | None:
    return next((size for size in sizes if fits.verdict(need, size.bytes) == "fits"), None)


def _sizes() -> list[_Size]:
    """Return the sizes of GPUs that have their memory for themselves, the smallest first."""
    found: dict[int, list[tuple[float, str]]] = {}
    for card in profiles.everything():
        size = fits.card_bytes(card)
        if size is not None and not card.unified_memory:
            name = card.title.removeprefix("NVIDIA ").removeprefix("GeForce ")
            found.setdefault(round(size / _GIB), []).append((size, name))
    return [
        _Size(gib=gib, bytes=min(size for size, _ in each), names=tuple(n for _, n in each))
        for gib, each in sorted(found.items())
    ]
