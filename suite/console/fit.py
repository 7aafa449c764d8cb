"""What ``fit`` prints for people: one case part by part, many as a table, errors of the model."""

from collections.abc import Iterable, Sequence

import msgspec

from reports.text import phrases
from suite import screen, units
from suite.catalog.case import Case
from suite.catalog.profile import Profile
from suite.console import tables
from suite.estimate import explain, memory
from suite.estimate.errors.memory import TARGET, LeftOutPrediction, Summary, held_out, summaries
from suite.estimate.largest_fit import Frontier
from suite.results.memory import fits_card as fits
from suite.results.memory.fits_card import COMFORTABLE_SHARE
from suite.results.record import Record


class MeasuredFit(msgspec.Struct, frozen=True, kw_only=True):
    """What records of exactly this work on this card say; ``verdict`` is theirs alone."""

    records: int
    verdict: fits.Verdict
    need: fits.Need
    failures: tuple[str, ...]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One model and method on one card. ``unsupported`` is why nothing can run it, or empty.

    With a ``frontier`` the case is that at its sure end, or at the other where nothing is sure.
    """

    case: Case
    profile: Profile
    card_bytes: float
    verdict: fits.Verdict
    estimate: memory.MemoryEstimate
    unsupported: str
    frontier: Frontier | None
    measured: MeasuredFit | None


#: What stands behind each part that is not exact.
SOURCES = {
    "workspaces": "as on measured GPUs",
    "other_tensors": "the batch, and what the engine keeps",
    "activations": "fitted on measured cases",
    "fragmentation": "as a share of what comes and goes, from measured cases",
    "context": "from measured cases",
}
AXES = {"sequence_tokens": "Tokens a row", "batch_sequences": "Rows a batch"}
SIZES = "has needs measured"


def show(answers: Sequence[Answer]) -> None:
    """Print the answers: in full where there is one, else a row each."""
    if len(answers) == 1 and answers[0].frontier is None:
        _full(answers[0])
        return
    rows = [_row(answer) for answer in answers]
    header = ("model", "method", "gpu", "has")
    limit = answers[0].frontier if answers else None
    if limit is None:
        tables.show((*header, "answer", "needs", "measured", "note"), rows, right=SIZES)
        print()
        tables.say(
            f"{phrases.work(answers[0].case.workload)}, {phrases.LOOPS[answers[0].case.loop]}."
        )
        tables.say(f'Estimated, except the column "measured": {_rule()}')
        _unverified(answers)
        return
    tables.show(
        (*header, "fits-to", "may-fit-to", "note"), rows, right=f"{SIZES} fits-to may-fit-to"
    )
    print()
    other, noun, of = "batch_sequences", "row", "a batch"
    if limit.axis == other:
        other, noun, of = "sequence_tokens", "token", "a row"
    fixed = sorted({getattr(answer.case.workload, other) for answer in answers})
    at = " or ".join(units.counted(value, noun) for value in fixed)
    but = ", but for all positions of a model" if limit.axis == "sequence_tokens" else ""
    tables.say(
        f"{AXES[limit.axis]}, at {at} {of}. Estimated, not measured; rounded down to two"
        f" digits{but}."
    )
    _unverified(answers)


def _unverified(answers: Sequence[Answer]) -> None:
    cards = dict.fromkeys(a.profile.name for a in answers if not a.profile.verified)
    if cards:
        tables.say(f"Unverified (the suite never ran there): {', '.join(cards)}.")


def errors(records: Iterable[Record], form: str) -> None:
    """Print how far predictions are off on records that the model was not fitted on."""
    found = held_out(records)
    if form == "json":
        content = {
            "target": TARGET,
            "summaries": summaries(found),
            "cases": [_json(h) for h in found],
        }
        print(screen.json(msgspec.json.format(msgspec.json.encode(content), indent=1).decode()))
        return
    if not found:
        tables.say("No result on a GPU to leave out: the error of the model is unknown.")
        return
    header = (
        "left-out",
        "case",
        "measured",
        "predicted",
        "off",
        "in-interval",
        "NVML",
        "off-NVML",
    )
    rows = [
        (
            held.left_out,
            held.record.case_id,
            units.bytes_(held.allocated_bytes),
            held.estimate.allocated_bytes.text("bytes"),
            units.signed_percent(held.allocated_error),
            "yes" if held.inside else "no",
            "unknown" if held.total_bytes is None else units.bytes_(held.total_bytes),
            "" if held.total_error is None else units.signed_percent(held.total_error),
        )
        for held in found
    ]
    tables.show(header, rows, right="measured predicted off NVML off-NVML")
    print()
    for each in summaries(found):
        tables.say(
            f"{each.way} left out: {each.within_target} of {each.cases} within"
            f" {units.percent(TARGET)}; median {units.percent(each.median_error)}, largest"
            f" {units.percent(each.largest_error)}"
            f"{_activations(each)}"
        )


def _activations(each: Summary) -> str:
    middle, most = each.median_activations_error, each.largest_activations_error
    if middle is None or most is None:
        return ""
    return f"; of activations alone {units.percent(middle)} and {units.percent(most)}"


def _full(answer: Answer) -> None:
    case, estimate = answer.case, answer.estimate
    card = explain.marked(answer.profile.title, answer.profile)
    tables.say(
        f"{phrases.case_title(case)} on {card}, {phrases.work(case.workload)},"
        f" {phrases.LOOPS[case.loop]}: {_answered(answer)}"
    )
    if answer.unsupported:
        tables.say(answer.unsupported)
    print()
    rows = []
    for line in estimate.lines:
        if line.bytes:
            name = phrases.PARTS[line.part][0]
            source = SOURCES.get(line.part, "exact, from shapes")
            exact = line.part not in SOURCES
            amount = units.bytes_(line.bytes) if exact else units.estimated("bytes", line.bytes)
            rows.append((f"{name}, {line.dtype}" if line.dtype else name, amount, source))
    tables.show(("part", "estimated", "how"), rows, right="estimated")
    print()
    needs = [
        ("allocated by torch at the peak", estimate.allocated_bytes.text("bytes")),
        ("with fragmentation and context", estimate.needs_bytes.text("bytes")),
        ("the GPU", units.bytes_(answer.card_bytes)),
    ]
    if estimate.paged_bytes:
        paged = f"{units.bytes_(estimate.paged_bytes)}, on the host where the GPU is full"
        needs.insert(2, ("of it paged optimizer state", paged))
    tables.show(("needs", "estimated"), needs)
    print()
    on = units.counted(estimate.calibrated_on, "measured case")
    tables.say(f"Estimated, not measured; {estimate.note or f'calibrated on {on} of its kind'}.")
    tables.say(_rule())
    if answer.measured is None:
        tables.say("Measured: no result of this workload on this GPU.")
        return
    seen = answer.measured
    if seen.records:
        size = seen.need.fragmented_bytes
        shown = seen.need.reason if size is None else units.bytes_(size)
        launches = units.counted(seen.records, "repeat")
        tables.say(
            f"Measured on this GPU: {shown} with fragmentation and context, {seen.verdict}"
            f" ({launches})."
        )
    for failure in seen.failures:
        tables.say(f"Measured on this GPU: {phrases.short(failure)}")


def _row(answer: Answer) -> tuple[str, ...]:
    estimate = answer.estimate
    start = (
        answer.case.model.name,
        answer.case.method.name,
        answer.profile.name,
        units.bytes_(answer.card_bytes),
    )
    limit = answer.frontier
    if answer.unsupported:
        return (*start, "unsupported", *([""] if limit else ["", ""]), _note(answer))
    if limit is not None:
        return (*start, limit.text(limit.surely), limit.text(limit.perhaps), _note(answer))
    needs = estimate.needs_bytes.text("bytes")
    return (*start, _answered(answer), needs, _measured(answer), _note(answer))


def _measured(answer: Answer) -> str:
    """Return what records of this very work on this card needed, or what became of it there."""
    seen = answer.measured
    if seen is None:
        return ""
    size = seen.need.fragmented_bytes
    if size is not None:
        return f"{units.bytes_(size)}, {units.counted(seen.records, 'repeat')}"
    return seen.failures[0].partition(":")[0] if seen.failures else "unknown"


def _answered(answer: Answer) -> str:
    return "unsupported" if answer.unsupported else answer.verdict


def _note(answer: Answer) -> str:
    limit = answer.frontier
    if answer.unsupported:
        return answer.unsupported
    if limit is not None and limit.perhaps == limit.bound:
        bounded = (
            "all positions of the model" if limit.axis == "sequence_tokens" else "not bounded"
        )
        return "; ".join(filter(None, (answer.estimate.note, bounded)))
    return answer.estimate.note


def _rule() -> str:
    return (
        f'"fits" means at most {units.percent(COMFORTABLE_SHARE)} of the GPU at the upper end;'
        ' "does not fit", more than the GPU at the lower end without fragmentation; between'
        ' them "tight", or "unknown" where nothing of the kind was measured.'
    )


def _json(held: LeftOutPrediction) -> dict[str, object]:
    return {
        "way": held.way,
        "left_out": held.left_out,
        "record_id": held.record.record_id,
        "case_id": held.record.case_id,
        "allocated_bytes": held.allocated_bytes,
        "predicted_allocated_bytes": held.estimate.allocated_bytes,
        "total_bytes": held.total_bytes,
        "predicted_total_bytes": held.estimate.needs_bytes,
        "inside": held.inside,
    }
