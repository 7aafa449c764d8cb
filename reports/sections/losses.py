"""How far apart losses lie that should be equal: of two engines, and of one method run twice."""

from collections.abc import Iterable, Sequence

from reports.analysis.dataset import Dataset
from reports.text import columns
from reports.text.blocks import Block, Prose, TextRow, table
from reports.text.numbers import record_page
from suite.results.record import Record
from suite.results.scatter.noise import noise
from suite.results.validity.parity import DUMMY_BAND, EXPERTS_BAND, OTHER_BAND, Band, Parity


def losses(dataset: Dataset) -> list[Block]:
    """Return the largest differences of each method to its reference and to itself.

    A row leads to the record with the largest difference of any loss.
    """
    rows = [*_engines(dataset), *_repeats(dataset)]
    if not rows:
        return []
    rows += [
        _band("Allowed on random weights", DUMMY_BAND),
        _band("On those of a mixture of experts", EXPERTS_BAND),
        _band("On others", OTHER_BAND),
    ]
    text = (
        "The largest relative difference over all results: of the first loss, of any loss and of"
        " any gradient norm over the steps that both took. A method differs from itself by the"
        " order of summation alone, two engines by their rounding as well. In a mixture of experts"
        " rounding can also send a token to another expert. The limit on random weights is at"
        " least twice what was published of them; on others nothing was measured yet."
    )
    header = ["Method", "Compared with", "Results", "Steps", "First loss", "Any loss"]
    return [Prose(text=text), table([*header, "Any gradient norm"], rows, words=2)]


def _engines(dataset: Dataset) -> list[TextRow]:
    by_engines: dict[tuple[str, str], list[tuple[Parity, Record]]] = {}
    for group in dataset.groups:
        for record in group.ok:
            each = dataset.references.parity(record)
            if each.reference is not None and each.trajectory is not None:
                of = (group.case.method.title, f"{each.reference.case.method.title}, same repeat")
                by_engines.setdefault(of, []).append((each, record))
    rows = []
    for of, compared in by_engines.items():
        every = [each for each, _ in compared]
        _, worst = max(compared, key=lambda pair: pair[0].trajectory or 0.0)
        shares = (
            [each.first for each in every],
            [each.trajectory for each in every],
            [each.gradient for each in every],
        )
        cells = (*of, str(len(every)), _steps(every), *map(_largest, shares))
        rows.append(TextRow(cells=cells, page=record_page(worst)))
    return rows


def _repeats(dataset: Dataset) -> list[TextRow]:
    rows = []
    for group in dataset.groups:
        own = noise(group)
        if own is None or not own.common_steps:
            continue
        shares = (
            own.first_loss_difference,
            own.trajectory_difference,
            own.gradient_norm_difference,
        )
        cells = (
            f"{group.case.method.title} on {group.case.model.title}",
            "itself, repeats of one session",
            str(own.launches),
            str(own.common_steps),
            *(_largest([share]) for share in shares),
        )
        rows.append(TextRow(cells=cells, page=record_page(group.best)))
    return rows


def _band(title: str, band: Band) -> TextRow:
    shares = (band.first_loss, band.trajectory, band.gradient)
    return TextRow(cells=(title, "", "", "", *map(columns.percent, shares)))


def _steps(found: Sequence[Parity]) -> str:
    least, most = (pick(each.steps for each in found) for pick in (min, max))
    return str(most) if least == most else f"{least} to {most}"


def _largest(shares: Iterable[float | None]) -> str:
    known = [share for share in shares if share is not None]
    return columns.percent(max(known)) if known else ""
