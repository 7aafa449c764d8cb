"""What a reader of a record's numbers must know: what it says itself, and what is judged here."""

from collections.abc import Iterator

from suite.results.record import Record
from suite.results.validity.page_faults import page_faults
from suite.results.validity.settled import settled

#: How notes begin that records before schema 3 have of their warm-up: ``settled`` judges them.
_WARMUP = "not steady after "


def notes(record: Record) -> tuple[str, ...]:
    """Return the notes of a record, a phrase each: its own first, then what is computed of it."""
    own = (note for note in record.notes if not note.startswith(_WARMUP))
    return (*own, *_computed(record))


def _computed(record: Record) -> Iterator[str]:
    if record.outcome != "ok":
        return
    found = settled(record)
    if found.settled is False:
        yield f"step time did not settle: {found.reason}"
    elif found.settled and found.reason:
        yield found.reason
    if faults := page_faults(record):
        yield faults
