"""What the page of each record is called: method, model, GPU, day and repeat; no two alike."""

from collections.abc import Mapping, Sequence
from datetime import date

from reports.analysis.dataset import Dataset
from reports.pages.front.words import gpu_names
from reports.text import phrases
from reports.text.distinct import distinct
from suite.results.memoize import once
from suite.results.record import Record


@once
def titles(dataset: Dataset) -> Mapping[str, str]:
    """Return the title of each record's page by the record's id.

    ``Unsloth QLoRA · Qwen3-32B · H200 · 26 Nov 2026 (repeat 1 of 1)``; the work, the trainer, the
    hour and more stand in it where two would be alike.
    """
    names = gpu_names(dataset)
    found = {each.record_id: each for each in dataset.collection.records}
    repeats = _repeats(dataset)

    def name(key: str, details: Sequence[str]) -> str:
        record = found[key]
        work, loop, hour, rest = details
        case, gpu = record.case, names.get(record.profile, record.profile)
        begun = ", ".join(filter(None, (day(record), hour)))
        parts = (case.method.title, case.model.title, work, loop, gpu, begun, rest)
        said = " · ".join(phrases.short(" ".join(part.split())) for part in parts if part)
        return f"{said} (repeat {record.launch} of {repeats[record.run_id]})"

    return distinct({key: _details(record) for key, record in found.items()}, name)


def day(record: Record) -> str:
    """Return ``26 Nov 2026``; of no date what stands in its place."""
    try:
        begun = date.fromisoformat(record.started_at[:10])
    except ValueError:
        return record.started_at
    return f"{begun.day} {begun:%b %Y}"


def hour(record: Record) -> str:
    """Return ``07:14 UTC``, or nothing where the time is not known."""
    return phrases.when(record.started_at).partition(" ")[2]


def _details(record: Record) -> tuple[str, ...]:
    case = record.case
    return (
        phrases.work(case.workload).removesuffix(", fixed-length sequences"),
        phrases.LOOPS[case.loop],
        hour(record),
        f"record {record.record_id}",
    )


def _repeats(dataset: Dataset) -> Mapping[str, int]:
    """Return how many repeats each session has: as planned, or at least those that are there."""
    most: dict[str, int] = {}
    for record in dataset.collection.records:
        most[record.run_id] = max(most.get(record.run_id, 1), record.launch)
    planned = {run_id: plan.launches for run_id, plan in dataset.plans.items()}
    return {run_id: max(there, planned.get(run_id, 1)) for run_id, there in most.items()}
