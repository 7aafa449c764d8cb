"""What the page says of its default job, and the data from which its script answers for another.

Without a script the page holds the default job's answer. Both write the same text: sentences as
``suite.estimate.job`` has them, amounts as ``./tunebench plan`` prints them.
"""

import msgspec

from reports.analysis.dataset import Dataset
from reports.pages.plan import data
from reports.sections import summary
from reports.text import example_job
from reports.text.blocks import Heading, Part
from reports.text.numbers import record_page
from suite import units
from suite.catalog import case as cases
from suite.catalog import prices, tier
from suite.catalog import profile as profiles
from suite.catalog.case import Case
from suite.catalog.prices import Prices
from suite.catalog.profile import Profile
from suite.catalog.tier import Tier, Workload
from suite.estimate import explain, planner
from suite.estimate.interval import Interval
from suite.estimate.job import answer, counts
from suite.estimate.job.answer import JobAnswer
from suite.estimate.job.counts import CountAnswer
from suite.estimate.job.ratios import MethodRatio, against_quickest, grounds
from suite.estimate.planner import Entry, Job, Planner
from suite.estimate.time_samples import timed
from suite.results.record import whose

JOB = Job(tokens=example_job.TOKENS * example_job.EPOCHS, epochs=1)
HOURS = planner.OVERNIGHT_SECONDS / 3600
#: The default: the largest dense model, a workstation's GPU that few can rent, and one to rent.
MODEL, GPU, BESIDE = "qwen3-32b", "rtx-pro-6000-max-q", "h100-sxm"
#: Lengths of rows in tokens that the page answers for, two rows a step; others on request.
LENGTHS = (512, 2048, 8192)
COUNTS = (1, 2, 4, 8)  #: GPUs of one machine


class PlanRow(msgspec.Struct, frozen=True, kw_only=True):
    """One option of the default job. ``page`` is that of a measured record, or ""."""

    gpu: str
    method: str
    time: str
    note: str
    memory: str
    hours: str
    tokens: str
    rent: str
    energy: str
    projected: bool
    page: str = ""


class PlanPage(msgspec.Struct, frozen=True, kw_only=True):
    """The default job's answer and options, and ``data`` for the script, JSON as text.

    ``counts`` is what several of the same GPUs come to; empty where none were measured together.
    """

    answers: tuple[str, ...]
    counts: tuple[str, ...]
    rows: tuple[PlanRow, ...]
    hours: float
    data: object
    notes: tuple[str, ...]
    ratios: str
    claimed: Part


def has_plan(dataset: Dataset) -> bool:
    """Return whether the page has a time to show: a GPU was timed, and the tier can be read.

    A report of a CPU alone has none, and neither the page nor a link to it is worth making.
    """
    if tier.standard() is None:
        return False
    return dataset.planner.projector is not None or any(
        record.environment.gpu is not None and timed(record)
        for record in dataset.collection.records
    )


def page(dataset: Dataset) -> PlanPage | None:
    """Return the page: every model of the standard tier on every GPU that has a profile.

    None where it has no time to show, see ``has_plan``.
    """
    standard = tier.standard()
    if standard is None or not has_plan(dataset):
        return None
    plan, known = dataset.planner, prices.known()
    gpus = [card for card in profiles.everything() if card.has_gpu]
    cells = {length: _answers(plan, _cases(standard, length), gpus) for length in LENGTHS}
    usual = cells[standard.workload.sequence_tokens]
    shown = _default(usual)
    several = [each for found in cells.values() for each in _several(plan, found)]
    entries = [entry for each in usual for entry in each.entries]
    entries += [entry for _, each in several for entry in each.entries if entry.gpus > 1]
    return PlanPage(
        answers=tuple(
            answer.brief(each) if number else " ".join(answer.sentences(each))
            for number, each in enumerate(shown)
        ),
        counts=tuple(_counted(plan, shown, known)) if several else (),
        rows=tuple(_rows(shown, known)),
        hours=HOURS,
        data=msgspec.to_builtins(data.collect(cells, several, gpus, known, shown, JOB)),
        notes=(
            *explain.fine_print(entries, plan.grounds()),
            *counts.notes(entries, plan),
            *explain.price_notes(entries, known),
        ),
        ratios=grounds(plan),
        claimed=_claimed(dataset),
    )


def _claimed(dataset: Dataset) -> Part:
    """Return what others say of two GPUs with our estimates, each heading as the claim it is."""
    part = summary.part(dataset, "projected-pairs")
    blocks = (
        Heading(text=f"Claimed by {block.text}") if isinstance(block, Heading) else block
        for block in part.blocks
    )
    return msgspec.structs.replace(part, blocks=tuple(blocks))


def _cases(standard: Tier, length: int) -> list[Case]:
    load = Workload(sequence_tokens=length, batch_sequences=standard.workload.batch_sequences)
    if length == standard.workload.sequence_tokens:
        load = standard.workload
    asked = msgspec.structs.replace(standard, workload=load, by_model={}, variants=())
    return list(cases.cases(asked, loop="sft", seed=0, lenient=True))


def _answers(plan: Planner, wanted: list[Case], gpus: list[Profile]) -> list[JobAnswer]:
    """Return the default job's answer for every model on every GPU."""
    found = []
    for model in dict.fromkeys(case.model.name for case in wanted):
        for card in gpus:
            mine = [plan.entry(case, card) for case in wanted if case.model.name == model]
            ranked = against_quickest(mine, plan.ratio_widths, plan.scatter)
            found.append(answer.answer(mine, ranked, JOB, HOURS))
    return found


def _several(plan: Planner, found: list[JobAnswer]) -> list[tuple[str, CountAnswer]]:
    """Return what several GPUs come to, by method and with "" of all, where any were measured."""
    answered = []
    for each in found:
        if not plan.groups.knows(each.entries[0].profile):
            continue
        spread = [(entry, counts.spread(plan, entry, COUNTS, None)) for entry in each.entries]
        together = [one for _, entries in spread for one in entries]
        answered.append(("", counts.answer(together, JOB, plan)))
        answered += [
            (entry.case.method.name, counts.answer(entries, JOB, plan))
            for entry, entries in spread
        ]
    return answered


def _counted(plan: Planner, shown: list[JobAnswer], known: Prices) -> list[str]:
    """Return what is said of several of the GPUs that the page opens with."""
    said = []
    for each in shown:
        rows = [one for e in each.entries for one in counts.spread(plan, e, COUNTS, None)]
        prices_there = known.of(each.entries[0].profile.name)
        said.append(" ".join(counts.sentences(counts.answer(rows, JOB, plan), prices_there)))
    return said


def _default(usual: list[JobAnswer]) -> list[JobAnswer]:
    """Return the answers that the page opens with: one model on two GPUs, or what there is."""
    models = [each.entries[0].case.model.name for each in usual]
    model = MODEL if MODEL in models else next(iter(models), "")
    mine = {
        each.entries[0].profile.name: each
        for each in usual
        if each.entries[0].case.model.name == model
    }
    return [mine[name] for name in (GPU, BESIDE) if name in mine] or list(mine.values())[:2]


def _rows(shown: list[JobAnswer], known: Prices) -> list[PlanRow]:
    """Return the options, the quickest first: all on the first GPU, the quickest of each other.

    Then what has no time on the first GPU.
    """
    options = [
        (each, option)
        for number, each in enumerate(shown)
        for option in (each.ranked[:1] if number else each.ranked)
    ]
    options.sort(key=lambda pair: _seconds(pair[1].entry).value)
    timed = {id(option.entry) for _, option in options}
    others = [entry for entry in (shown[0].entries if shown else ()) if id(entry) not in timed]
    return [*(_row(each, option, known) for each, option in options), *map(_without, others)]


def _seconds(entry: Entry) -> Interval:
    assert entry.tokens_per_second is not None
    return JOB.time(entry.tokens_per_second)


def _row(found: JobAnswer, option: MethodRatio, known: Prices) -> PlanRow:
    entry = option.entry
    seconds, each = _seconds(entry), entry.joules_per_token
    rent = planner.rent(seconds, known.of(entry.profile.name))
    rate = entry.tokens_per_second
    assert rate is not None
    tokens = rate.map(lambda one: one * 3600 * HOURS)
    memory = answer.memory(entry)
    if entry.verdict != "fits" and memory != "unknown":
        memory += f", {entry.verdict}"
    done = planner.overnight(seconds, HOURS * 3600)
    return msgspec.structs.replace(
        _without(entry),
        time=explain.amount(entry, "hours", seconds),
        note=note(option, found),
        memory=memory,
        hours=done,
        tokens=answer.tokens(tokens, entry.basis == "measured"),
        rent="unknown" if rent is None else explain.amount(entry, "USD", rent),
        energy="unknown" if each is None else explain.amount(entry, "kWh", JOB.energy(each)),
        projected=entry.basis != "measured",
    )


def _without(entry: Entry) -> PlanRow:
    """Return the row of an option that has no time, and why in few words."""
    return PlanRow(
        gpu=answer.short(entry.profile),
        method=entry.case.method.title,
        time=explain.basis(entry),
        note="",
        memory=answer.memory(entry),
        hours="–",
        tokens="",
        rent="–",
        energy="–",
        projected=False,
        page=record_page(entry.records[0]) if entry.records else "",
    )


def note(option: MethodRatio, found: JobAnswer) -> str:
    """Return what a time rests on, and how it stands to the quickest on its GPU."""
    entry = option.entry
    basis = "estimated"
    if entry.basis == "measured":
        measured = f"measured {whose(entry.records[0])}".rstrip()
        basis = f"{measured}, {units.counted(entry.launches, 'repeat')}"
    return basis if option is found.ranked[0] else f"{basis}; {answer.beside(option)}"
