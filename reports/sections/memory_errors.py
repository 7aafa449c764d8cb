"""How far estimates of memory are off: predictions for records that were left out of the fit."""

from reports.analysis.dataset import Dataset
from reports.text import columns, phrases
from reports.text.blocks import Block, Prose, TextRow, table
from reports.text.numbers import record_page
from suite import units
from suite.estimate.errors.memory import (
    LONG_TOKENS,
    TARGET,
    LeftOutPrediction,
    held_out,
    summaries,
)
from suite.results.memoize import once

MOST_ROWS = 200  #: of the table of cases
WAYS = {
    "model": "One model left out",
    "method": "One method left out",
    "long sequences": f"Rows of {LONG_TOKENS:,} tokens and more left out",
}
ABOUT = (
    "What ./tunebench fit says of a case that did not run: weights, quantization state, gradients"
    " and optimizer state exactly, from shapes; activations, fragmentation and the CUDA context"
    " fitted on results. Here it is fitted on a part of the results and predicts the others. Peak:"
    " the highest that torch handed out to tensors. Process: what NVML counts for it, with"
    " fragmentation and the context. Weights are most of a peak; activations alone show what the"
    " fit is worth. The formulas were written with results of the H200 in view; what is left out"
    " is left out of the fit alone."
)


def memory(dataset: Dataset) -> list[Block]:
    """Return the errors in sum: a row for each way of leaving records out."""
    errors = summaries(_held_out(dataset))
    if not errors:
        return []
    header = ["Left out", "Cases", f"Peak within {units.percent(TARGET)}", "Peak, median"]
    header += ["Peak, largest", "Process, largest", "Activations, median", "Activations, largest"]
    rows = [
        TextRow(
            cells=(
                WAYS[each.way],
                str(each.cases),
                f"{each.within_target} of {each.cases}",
                columns.percent(each.median_error),
                columns.percent(each.largest_error),
                _percent(each.largest_total_error),
                _percent(each.median_activations_error),
                _percent(each.largest_activations_error),
                f"{each.inside} of {each.cases}",
            )
        )
        for each in errors
    ]
    missed = [each for each in errors if each.within_target < each.cases]
    ways = ", ".join(
        f"{WAYS[each.way].lower()}: {units.percent(each.largest_error)}" for each in missed
    )
    aim = f"The aim is {units.percent(TARGET)} on the peak"
    said = f"{aim}; it is missed ({ways})." if missed else f"{aim}; no case here misses it."
    return [Prose(text=f"{ABOUT} {said}"), table([*header, "Within the interval"], rows)]


def memory_cases(dataset: Dataset) -> list[Block]:
    """Return every prediction beside what was measured; of very many, those furthest off."""
    predictions = _held_out(dataset)
    if not predictions:
        return []
    shown = predictions
    said: list[Block] = []
    if len(predictions) > MOST_ROWS:
        shown = sorted(predictions, key=lambda held: -abs(held.allocated_error))[:MOST_ROWS]
        said = [Prose(text=f"The {MOST_ROWS} furthest off of {len(predictions):,} predictions.")]
    header = ["Case", "Workload", "Left out", "Peak", "Predicted", "Peak off", "Inside"]
    header += ["Process", "Predicted", "Process off"]
    return [*said, table(header, map(_row, shown), words=3)]


@once
def _held_out(dataset: Dataset) -> list[LeftOutPrediction]:
    return held_out(dataset.collection.records)


def _row(held: LeftOutPrediction) -> TextRow:
    total, error = held.total_bytes, held.total_error
    cells = (
        phrases.case_title(held.record.case),
        phrases.work(held.record.case.workload),
        held.left_out,
        columns.bytes_(held.allocated_bytes),
        held.estimate.allocated_bytes.text("bytes"),
        columns.signed_percent(held.allocated_error),
        "yes" if held.inside else "no",
        "unknown" if total is None else columns.bytes_(total),
        "unknown" if total is None else held.estimate.needs_bytes.text("bytes"),
        "unknown" if error is None else columns.signed_percent(error),
    )
    return TextRow(cells=cells, page=record_page(held.record))


def _percent(share: float | None) -> str:
    return "unknown" if share is None else columns.percent(share)
