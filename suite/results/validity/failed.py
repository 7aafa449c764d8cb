"""Which records of a run count as failed, and why."""

from collections.abc import Iterable

from suite import units
from suite.results.record import Outcome, Record
from suite.results.validity.parity import References

#: Running out of memory, not being supported and being skipped are answers, not failures.
FAILED: frozenset[Outcome] = frozenset({"error", "timeout", "killed", "invalid"})


def failures(records: Iterable[Record]) -> list[tuple[Record, str]]:
    """Return each failed record with one line that says why; a fast wrong run is one too."""
    known = list(records)
    references = References(known)
    found = []
    for record in known:
        parity = references.parity(record)
        if record.outcome in FAILED:
            found.append((record, why(record)))
        elif parity.verdict == "differs":
            found.append((record, f"losses differ: {parity.reason}"))
    return found


def why(record: Record) -> str:
    """Return the outcome in words: ``error in load: ...``."""
    begun = record.phase is not None and record.outcome not in ("unsupported", "skipped")
    where = f" in {record.phase}" if begun else ""
    reason = units.printable(record.reason)
    return f"{record.outcome}{where}{': ' if reason else ''}{reason}"
