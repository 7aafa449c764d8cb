"""Where the memory of a record's process went, as a table with bars."""

import msgspec

from reports.text import columns, facts, phrases
from reports.text.numbers import Number, exact
from suite import units
from suite.results.memory.ledger import MOST_RESIDUAL_SHARE, Account, LedgerLine, account
from suite.results.record import Record

UNKNOWN = "unknown"


class MemoryRow(msgspec.Struct, frozen=True, kw_only=True):
    """One part. ``bar`` is its share of the total in percent, 0 where that is unknown."""

    name: str
    detail: str
    size: Number
    share: str
    bar: float


class MemoryTable(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger's table. ``kind`` of the verdict is "good", "bad" or "none"."""

    rows: tuple[MemoryRow, ...]
    total: str
    total_name: str
    kind: str
    verdict: str
    text: str
    beside: facts.Facts


def of_record(record: Record) -> MemoryTable | None:
    """Return the ledger of a record's steady phase, or None without one."""
    ledger = account(record)
    if ledger is None:
        return None
    host, paged = ledger.host_rss_peak_bytes, ledger.paged_optimizer_state_bytes
    beside = [("Peak host RSS of the worker", UNKNOWN if host is None else units.bytes_(host))]
    if paged:
        beside.append(("Paged optimizer state, managed by CUDA", units.bytes_(paged)))
    total, rows = ledger.total_bytes, [_row(line, ledger.total_bytes) for line in ledger.lines]
    known = [row.size.text for row in rows] + [UNKNOWN if total is None else columns.bytes_(total)]
    *sizes, whole = columns.aligned(known)
    return MemoryTable(
        rows=tuple(
            msgspec.structs.replace(row, size=msgspec.structs.replace(row.size, text=size))
            for row, size in zip(rows, sizes, strict=True)
        ),
        total=whole,
        total_name={
            "nvml": "NVML's count for the process",
            "torch": "What torch reserved",
            None: "Total",
        }[ledger.counted_by],
        kind="none" if ledger.adds_up is None else "good" if ledger.adds_up else "bad",
        verdict=_verdict(ledger),
        text=_text(ledger),
        beside=tuple(beside),
    )


def _row(line: LedgerLine, total: int | None) -> MemoryRow:
    name, detail = phrases.PARTS[line.part]
    if line.dtype == "uint8":
        detail += "; 4-bit weights, packed"
    share = None if line.bytes is None or not total else line.bytes / total
    size = Number(text=UNKNOWN)
    if line.bytes is not None:
        size = Number(text=columns.bytes_(line.bytes), exact=exact(line.bytes))
    return MemoryRow(
        name=f"{name}, {line.dtype}" if line.dtype else name,
        detail=detail if line.bytes is not None else line.reason,
        size=size,
        share="" if share is None else _share(share),
        bar=0.0 if share is None else round(100 * min(abs(share), 1.0), 1),
    )


def _share(share: float) -> str:
    # A buffer of some bytes is there, and a part of 0 bytes is not. Equal decimals in all rows.
    if 0 < abs(share) < 0.00005:
        return "< 0.01 %"
    return f"{share * 100:.2f} %"


def _signed(size: int) -> str:
    return units.bytes_(size) if size >= 0 else f"−{units.bytes_(-size)}"


def _verdict(found: Account) -> str:
    if found.adds_up is None:
        return "Not known to add up."
    return "Adds up." if found.adds_up else "Does not add up."


def _text(found: Account) -> str:
    parts = []
    if found.residual_bytes is not None and found.residual_share is not None:
        parts.append(
            f"{_signed(found.residual_bytes)} ({units.percent(found.residual_share)}) is explained"
            f" by no line; more than {units.percent(MOST_RESIDUAL_SHARE)} would be too much."
        )
    if found.counted_by is None:
        parts.append(f"There is no total: {found.total_reason}.")
    elif found.total_reason:
        parts.append(f"The driver's own count for the process is unknown: {found.total_reason}.")
    return " ".join(parts)
