"""How far estimates for several GPUs are off: each measured case, estimated from the others."""

import statistics
from collections.abc import Sequence

from reports.analysis.dataset import Dataset
from reports.text import columns, phrases
from reports.text.blocks import Block, Prose, TextRow, table
from suite import units
from suite.estimate.interval import Interval
from suite.estimate.job.count_errors import GroupHeldOut, held_out

_HEADER = ["Case", "Workload", "On", "Measured step", "Predicted step", "Step off", "Energy off"]
_HEADER += ["Memory off", "Beyond its interval"]


def blocks(dataset: Dataset) -> list[Block]:
    """Return how far the estimates are off; nothing where no case ran on several GPUs."""
    tried = held_out(dataset.planner)
    if not tried:
        return []
    rows = [_row(each) for each in tried]
    return [Prose(text=_text(tried)), table(_HEADER, rows, words=3)]


def _text(tried: Sequence[GroupHeldOut]) -> str:
    predicted = [each for each in tried if each.seconds is not None]
    errors = [abs(_error(each)) for each in predicted]
    inside = sum(_within(each) for each in predicted)
    counts = sorted({each.sample.case.gpus for each in tried})
    said = (
        "What ./tunebench plan --count says of each measured case, estimated from the other"
        f" {units.counted(len(tried) - 1, 'case')}, by the rows on one GPU. The step:"
        f" {inside} of {units.counted(len(tried), 'case')} within the interval"
    )
    if errors:
        said += (
            f", half of them no more than {units.percent(statistics.median(errors))} off, the"
            f" worst {units.percent(max(errors))}"
        )
    known = [each for each in predicted if _energy_within(each) is not None]
    said += (
        f". Energy: {sum(bool(_energy_within(each)) for each in known)} of"
        f" {units.counted(len(known), 'case')} within. Memory is what each GPU needed, with"
        " fragmentation and the CUDA context."
    )
    return (
        f"{said} Measured on {', '.join(map(str, counts))} GPUs alone: how far estimates for more"
        " are off is not known."
    )


def _row(each: GroupHeldOut) -> TextRow:
    sample, seconds = each.sample, each.seconds
    needed, joules = sample.needs_bytes, sample.joules_per_token
    beyond = ["step"] if seconds is not None and not _within(each) else []
    beyond += ["energy"] if _energy_within(each) is False else []
    return TextRow(
        cells=(
            phrases.case_title(sample.case),
            phrases.work(sample.case.workload),
            sample.profile,
            columns.seconds(sample.seconds),
            each.entry.reason if seconds is None else seconds.text("seconds"),
            "unknown" if seconds is None else columns.signed_percent(_error(each)),
            _off(each.entry.joules_per_token, joules),
            _off(each.entry.needs_bytes, None if needed is None else needed.value),
            " and ".join(beyond) or "nothing",
        ),
        page=f"records/{sample.record_ids[0]}.html",
    )


def _off(estimated: Interval | None, measured: float | None) -> str:
    if estimated is None or measured is None:
        return "unknown"
    return columns.signed_percent(estimated.value / measured - 1)


def _error(each: GroupHeldOut) -> float:
    assert each.seconds is not None
    return each.seconds.value / each.sample.seconds - 1


def _within(each: GroupHeldOut) -> bool:
    assert each.seconds is not None
    return each.seconds.holds(each.sample.seconds)


def _energy_within(each: GroupHeldOut) -> bool | None:
    estimated, measured = each.entry.joules_per_token, each.sample.joules_per_token
    if estimated is None or measured is None:
        return None
    return estimated.holds(measured)
