"""Every card against every other: geometric means of throughput ratios, and how many there are."""

import msgspec

from reports.analysis import workloads
from reports.analysis.card_pairs import MOST_CARDS, CardPair, cards, pairs
from reports.analysis.dataset import Dataset
from reports.text.addresses import gpu_page, pair_page
from reports.text.numbers import Number, exact
from suite import units


class CardMatrixRow(msgspec.Struct, frozen=True, kw_only=True):
    """One card over each, in the order of the columns: ratios of throughput, or words."""

    title: str
    page: str
    entries: tuple[Number, ...]


class CardMatrix(msgspec.Struct, frozen=True, kw_only=True):
    """All measured GPUs against each other."""

    titles: tuple[str, ...]
    rows: tuple[CardMatrixRow, ...]
    left_out: str


def matrix(dataset: Dataset) -> CardMatrix:
    """Return the matrix of all cards that have a record."""
    titles = workloads.profile_titles(dataset)
    shown = cards(workloads.work_groups(dataset))
    by_cards = {(each.ours, each.theirs): each for each in pairs(dataset)}
    left = len(titles) - len(shown)
    return CardMatrix(
        titles=tuple(titles[name] for name in shown),
        rows=tuple(
            CardMatrixRow(
                title=titles[name],
                page=gpu_page(name),
                entries=tuple(_entry(name, other, by_cards) for other in shown),
            )
            for name in shown
        ),
        left_out=""
        if left == 0
        else f"Shown are the {MOST_CARDS} GPUs with the most cases;"
        f" {units.counted(left, 'other')} not compared here.",
    )


def _entry(name: str, other: str, by_cards: dict[tuple[str, str], CardPair]) -> Number:
    if name == other:
        return Number(text="itself")
    turned = name > other
    ours, theirs = sorted((name, other))
    pair = by_cards.get((ours, theirs))
    if pair is None:
        return Number(text="no case in common")
    page, mean = pair_page(ours, theirs), pair.mean
    if mean is None:
        return Number(text="no ratio", page=page, note=_shared(len(pair.shared)))
    value = 1 / mean if turned else mean
    counted = units.counted(pair.counting, "case")
    return Number(text=units.ratio(value), exact=exact(value), page=page, note=counted)


def _shared(number: int) -> str:
    return f"{units.counted(number, 'case')} on both, none with a ratio that counts"
