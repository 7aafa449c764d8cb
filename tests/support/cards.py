"""Made-up cards, for pages that need several: never results, and their titles say so."""

from collections.abc import Iterable, Sequence

import msgspec

from suite.results.record import Record, seal
from suite.wire import Step

TITLE = "Synthetic card"


def on_card(
    found: Iterable[Record], name: str, *, slower: float, run_id: str | None = None
) -> list[Record]:
    """Copies of GPU records as a card named ``name`` might have given them.

    Every step and every wait takes ``slower`` times as long; losses, memory and settings stay.
    """
    return [_copy(record, name, slower, run_id or f"{record.run_id}-{name}") for record in found]


def many(found: Sequence[Record], names: Sequence[str]) -> list[Record]:
    """``on_card`` for several names, each 10 % slower than the one before."""
    return [
        copy
        for number, name in enumerate(names, 1)
        for copy in on_card(found, name, slower=1.1**number)
    ]


def _copy(record: Record, name: str, slower: float, run_id: str) -> Record:
    gpu, hardware = record.environment.gpu, record.hardware
    assert gpu is not None
    title = f"{TITLE} {name}"
    steps = tuple(_slower(step, slower) for step in record.steps)
    # Not those of telemetry, whose samples stay as they are.
    spans = tuple((begin * slower, end * slower) for begin, end in record.step_spans)
    environment = msgspec.structs.replace(
        record.environment, gpu=msgspec.structs.replace(gpu, name=title)
    )
    if hardware is not None:
        hardware = msgspec.structs.replace(hardware, title=title)
    return seal(
        msgspec.structs.replace(
            record,
            run_id=run_id,
            profile=name,
            steps=steps,
            step_elapsed_seconds=spans,
            environment=environment,
            hardware=hardware,
        )
    )


def _slower(step: Step, slower: float) -> Step:
    waited = None if step.data_seconds is None else step.data_seconds * slower
    return msgspec.structs.replace(step, seconds=step.seconds * slower, data_seconds=waited)


def there(*found: Record, slower: float = 1.0, **changes: object) -> list[Record]:
    """The records as ``a-card`` gave them, some fields replaced."""
    return [changed(each, **changes) for each in on_card(found, "a-card", slower=slower)]


def changed(record: Record, **changes: object) -> Record:
    return seal(msgspec.structs.replace(record, **changes))


def on(record: Record, **changes: object) -> Record:
    """The record with other facts of its GPU."""
    gpu = msgspec.structs.replace(record.environment.gpu, **changes)
    return changed(record, environment=msgspec.structs.replace(record.environment, gpu=gpu))
