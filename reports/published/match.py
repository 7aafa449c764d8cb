"""What a published figure and a case measured here have the same, criterion by criterion.

What the source leaves open is not stated, never assumed to be like ours; a criterion that several
names of the catalog could be meant by is not stated either.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from reports.published.sources import RATIOS, PublishedFigure, Settings
from reports.text import facts
from suite import units
from suite.catalog.case import Case
from suite.catalog.targets import PLACES
from suite.catalog.tier import Workload
from suite.results.replicates import Replicates

State = Literal["same", "differs", "not stated"]
NOT_STATED = "not stated"
_DATA = {
    "fixed": "random tokens",
    "real-length": "random tokens, real lengths",
    "text": "the suite's own small texts",
}


class Criterion(msgspec.Struct, frozen=True, kw_only=True):
    """One setting that decides whether two figures are of the same work, in words."""

    name: str
    published: str
    ours: str
    state: State


def criteria(
    figure: PublishedFigure, group: Replicates, base: Replicates | None
) -> tuple[Criterion, ...]:
    """Return every criterion of a figure beside one case, and its baseline for a ratio."""
    settings, case, work = figure.settings, group.case, group.case.workload
    record = group.best
    compared = [
        Criterion(
            name="GPU",
            published=settings.hardware or NOT_STATED,
            ours=facts.profile_title(group.records, record.profile),
            state=_match_state(settings.hardware, settings.profiles, record.profile),
        ),
        # Who says nothing of it means one.
        _number("number of GPUs", settings.gpus or (1 if case.gpus > 1 else None), case.gpus),
        Criterion(
            name="model",
            published=settings.model or NOT_STATED,
            ours=case.model.title,
            state=_match_state(settings.model, settings.models, case.model.name),
        ),
        Criterion(
            name="method",
            published=settings.method or NOT_STATED,
            ours=case.method.title,
            # A method in words only may be ours; a card or a model in words only is another.
            state=_match_state(None, settings.methods, case.method.name),
        ),
        _number("length", settings.sequence_tokens, work.sequence_tokens),
        _number("batch", settings.batch_sequences, work.batch_sequences),
        _number("accumulation", settings.gradient_accumulation, work.gradient_accumulation),
        _text("rows", settings.rows, rows(work)),
        _data(settings, work),
    ]
    if settings.trains != "everything":
        adapter = case.method.adapter
        compared.append(_number("rank", settings.rank, None if adapter is None else adapter.rank))
        compared.append(_text("adapters on", settings.targets, targets(case)))
    kernel = "unknown" if record.effective is None else record.effective.loss_kernel
    compared.append(_text("loss", settings.loss, kernel))
    if figure.quantity in ("peak_memory_bytes", "memory_saved_share"):
        compared.append(_text("memory counter", settings.memory_counter, counter(settings)))
    if figure.quantity in RATIOS:
        compared.append(_baseline(settings, base))
    return tuple(compared)


def listed(found: Sequence[Criterion], state: State) -> str:
    """Return the names of the criteria in this state, as one phrase; empty when there is none."""
    names = [criterion.name for criterion in found if criterion.state == state]
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else ""


def rows(work: Workload) -> str:
    """Return how a batch of this work is filled, in the words of ``Settings.rows``."""
    if work.data == "fixed":
        return "one length"
    return "padded" if work.packing == "none" else work.packing


def targets(case: Case) -> str:
    """Return what adapters are on, in the words of ``Settings.targets``.

    A dense model's ordinary linear layers are all there are; with experts they are attention's.
    """
    adapter = case.method.adapter
    if adapter is None:
        return "none"
    place, dense = PLACES[adapter.targets], case.model.architecture.experts is None
    if dense and place.feed_forward:
        return "all linear"
    return "attention and experts" if place.experts and not dense else "attention"


def counter(settings: Settings) -> str:
    """Return which of torch's counters our memory is read from: the source's, else allocated."""
    return settings.memory_counter or "allocated"


def _match_state(words_only: str | None, names: Sequence[str], ours: str) -> State:
    if names:
        if ours not in names:
            return "differs"
        return "same" if len(names) == 1 else "not stated"
    return "not stated" if words_only is None else "differs"


def _number(name: str, published: int | None, ours: int | None) -> Criterion:
    shown = NOT_STATED if published is None else units.count(published)
    state: State = "not stated" if published is None else _same(published, ours)
    here = "none" if ours is None else units.count(ours)
    return Criterion(name=name, published=shown, ours=here, state=state)


def _text(name: str, published: str | None, ours: str) -> Criterion:
    state: State = "not stated" if published is None else _same(published, ours)
    return Criterion(name=name, published=published or NOT_STATED, ours=ours, state=state)


def _same(published: object, ours: object) -> State:
    return "same" if published == ours else "differs"


def _data(settings: Settings, work: Workload) -> Criterion:
    # Rows of one length are the same work whatever is in them; others depend on their text.
    state: State = "not stated" if settings.data is None else "differs"
    if settings.rows == rows(work) == "one length":
        state = "same"
    ours = _DATA[work.data]
    return Criterion(name="data", published=settings.data or NOT_STATED, ours=ours, state=state)


def _baseline(settings: Settings, base: Replicates | None) -> Criterion:
    ours = "" if base is None else base.case.method.name
    return Criterion(
        name="baseline",
        published=settings.baseline or NOT_STATED,
        ours="none" if base is None else base.case.method.title,
        state=_match_state(settings.baseline, settings.baselines, ours),
    )
