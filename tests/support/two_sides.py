"""Two sides of a comparison, made of small records, and what is found between them."""

from collections.abc import Sequence
from pathlib import Path

from suite.results.comparison import Comparison, QuantityResult, compare
from suite.results.record import Record
from suite.results.storage import run_folder
from suite.results.storage.reader import Collection
from support import records

SECONDS = (0.100, 0.1005, 0.0995, 0.1002, 0.0998)
BEFORE, AFTER = "20261124T070000Z-0000000a", "20261124T070000Z-0000000b"


def side(
    run_id: str,
    factor: float = 1.0,
    launches: int = 5,
    *,
    turns: bool = False,
    seconds: Sequence[float] = SECONDS,
    **changes: object,
) -> list[Record]:
    """LoRA on the tiny model, a launch each, slower by ``factor``.

    Of two runs the second began when the first had ended; with ``turns`` they alternate, ABBA.
    """
    second = run_id == AFTER
    made = []
    for number, value in enumerate(seconds[:launches]):
        place = 2 * number + (second != bool(number % 2)) if turns else number + 30 * second
        times = {
            "started_at": f"2026-11-24T07:{place:02}:00Z",
            "ended_at": f"2026-11-24T07:{place:02}:50Z",
        }
        changed = {**times, **changes}
        made.append(
            records.record(run_id=run_id, launch=number + 1, seconds=value * factor, **changed)
        )
    return made


def collection(*found: Record) -> Collection:
    return Collection(records=found, plans=(), problems=(), sources={})


def compared(base: list[Record], candidate: list[Record], **options: object) -> Comparison:
    return compare(collection(*base), collection(*candidate), **options)  # type: ignore[arg-type]


def line(found: Comparison, metric: str) -> QuantityResult:
    return next(each for each in found.lines if each.metric == metric)


def folder(path: Path, found: list[Record]) -> str:
    plan = records.plan(run_id=found[0].run_id, methods=("lora",), launches=5)
    with run_folder.create(path, plan) as run:
        for record in found:
            run.append(record)
    return str(path)
