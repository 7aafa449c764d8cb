"""What fits which card: what a case needed where it ran, against what profiles say of others."""

from collections.abc import Sequence

from reports.analysis.dataset import Dataset
from reports.text import columns, facts, phrases
from reports.text.blocks import Block, Heading, Prose, TextRow, table
from reports.text.numbers import record_page
from suite import units
from suite.catalog import profile as profiles
from suite.catalog.profile import Profile
from suite.results.memory import fits_card as fits
from suite.results.replicates import Replicates


def needs_and_cards(dataset: Dataset) -> list[Block]:
    """Return what each case needed where it ran, and whether other cards would hold it."""
    cards = _cards()
    cases: dict[object, list[Replicates]] = {}
    for group in dataset.groups:
        if group.ok and group.best.environment.gpu is not None:
            case = group.case
            key = (group.first.profile, case.model, case.method, case.workload, case.loop)
            cases.setdefault(key, []).append(group)
    alone = [groups for groups in cases.values() if groups[0].case.parallel is None]
    together = [groups for groups in cases.values() if groups[0].case.parallel is not None]
    return [*_on_one(alone, cards), *_on_several(together, cards)]


def _on_one(
    cases: Sequence[Sequence[Replicates]], cards: Sequence[Sequence[Profile]]
) -> list[Block]:
    rows = [_fit(groups, cards) for groups in cases]
    if not rows:
        return []
    header = ["Case", "Workload", "Measured on", "Needs", "Smallest GPU that fits"]
    header += ["With fragmentation", "Highest in"]
    text = (
        "Needs: peak PyTorch memory (loading included) plus the CUDA context."
        " With fragmentation: what PyTorch had taken from the driver, plus the context."
        " A GPU's memory is the total that NVML reports, or else what the vendor prints."
        f" Profiles verified by a session: {_verified(cards)}. Where the host"
        " shares the memory, only what does not fit is certain."
        f' "fits" leaves {units.percent(1 - fits.COMFORTABLE_SHARE)} of the GPU free with'
        ' fragmentation; "tight": the tensors fit, fragmentation may not.'
    )
    return [Prose(text=text), table([*header, *map(_card, cards)], rows, words=3)]


def _on_several(
    cases: Sequence[Sequence[Replicates]], cards: Sequence[Sequence[Profile]]
) -> list[Block]:
    """Return what each GPU of a group must hold; of the GPUs as many as were measured."""
    rows = [_fit(groups, cards) for groups in cases]
    if not rows:
        return []
    header = ["Case", "Workload", "Measured on", "Each GPU needs", "Smallest GPUs that fit"]
    header += ["With fragmentation", "Highest in"]
    text = (
        "Measured cases alone; ./tunebench plan --count estimates others. Each GPU needs what the"
        " rank with the most needed. The workload says how many GPUs; the last columns, whether"
        " it fits that many of a kind."
    )
    return [
        Heading(text="On several GPUs"),
        Prose(text=text),
        table([*header, *map(_card, cards)], rows, words=3),
    ]


def _fit(groups: Sequence[Replicates], cards: Sequence[Sequence[Profile]]) -> TextRow:
    first = groups[0]
    of = fits.need if first.case.parallel is None else fits.need_of_each
    need = fits.largest_need([record for group in groups for record in group.ok], of)
    least, fragmented = (
        "unknown" if size is None else columns.bytes_(size)
        for size in (need.least_bytes, need.fragmented_bytes)
    )
    held = [fits.fits_card(need, alike[0]) for alike in cards]
    cells = [
        phrases.case_title(first.case),
        phrases.work(first.case.workload),
        facts.profile_title(first.records, first.first.profile),
        least,
        "unknown" if need.least_bytes is None else _smallest(held, cards, first.case.gpus),
        fragmented,
        need.phase.replace("_", " ") or need.reason,
        *held,
    ]
    return TextRow(cells=tuple(cells), page=record_page(first.best))


def _smallest(held: Sequence[str], cards: Sequence[Sequence[Profile]], gpus: int) -> str:
    """Return the GPUs of the least memory that a case fits; "none listed" where it fits none."""
    fitting = (alike for answer, alike in zip(held, cards, strict=True) if answer == "fits")
    found = next(fitting, None)
    if found is None:
        return "none listed"
    return _card(found) if gpus == 1 else f"{gpus} × {_card(found)}"


def _cards() -> list[list[Profile]]:
    """Return the GPUs that profiles describe, those of one memory together, the smallest first."""
    found: dict[tuple[float, bool], list[Profile]] = {}
    for card in profiles.everything():
        size = fits.card_bytes(card)
        if size is not None:
            found.setdefault((size, card.unified_memory), []).append(card)
    return [alike for _, alike in sorted(found.items())]


def _verified(cards: Sequence[Sequence[Profile]]) -> str:
    found = [card.title for alike in cards for card in alike if card.verified]
    return ", ".join(found) or "none"


def _card(alike: Sequence[Profile]) -> str:
    names = _together([card.title.removeprefix("NVIDIA ") for card in alike])
    shared = " shared with the host" if alike[0].unified_memory else ""
    return f"{names}: {units.bytes_(fits.card_bytes(alike[0]) or 0)}{shared}"


def _together(names: Sequence[str]) -> str:
    """Return names in one phrase, the words that all begin with once: ``A100 PCIe, SXM``."""
    split = [name.split() for name in names]
    shared = 0
    while all(len(each) > shared + 1 and each[shared] == split[0][shared] for each in split):
        shared += 1
    if len(names) == 1 or not shared:
        return ", ".join(names)
    return " ".join([*split[0][:shared], ", ".join(" ".join(each[shared:]) for each in split)])
