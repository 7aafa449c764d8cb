"""The memory ledger of a record, carried up to what the driver counts for the process."""

from collections.abc import Iterator
from typing import Literal, get_args

from suite.results.record import Record
from suite.results.samples import phase
from suite.wire import MOST, Ledger, Memory, Struct

#: A ledger that leaves a larger share of the total unexplained does not add up.
MOST_RESIDUAL_SHARE = 0.02

Part = Literal[
    "frozen_weights",
    "quantization_state",
    "trained_weights",
    "gradients",
    "optimizer_state",
    "buffers",
    "workspaces",
    "other_tensors",
    "activations",
    "residual",
    "fragmentation",
    "context",
]
PARTS: tuple[Part, ...] = get_args(Part)

IMPOSSIBLE = "the result has an impossible number"
NOT_COUNTED = "torch counts no memory on this device"
SAMPLED_BELOW = "NVML's highest sample lies below what torch reserved: it missed the peak"


class LedgerLine(Struct, frozen=True, kw_only=True):
    """One part of the process's memory, in bytes; None is unknown, with the reason.

    ``dtype`` tells frozen weights apart and is empty elsewhere. ``residual`` is what torch handed
    out and no line explains, ``context`` what the driver counts beyond torch: the CUDA context and
    libraries. A residual can be negative, when lines overlap.
    """

    part: Part
    dtype: str = ""
    bytes: int | None
    reason: str = ""


class Account(Struct, frozen=True, kw_only=True):
    """The lines of the steady phase's peak; known lines add up to ``total_bytes`` exactly.

    ``counted_by`` says whose total that is: NVML's for the process, else what torch reserved, with
    ``total_reason`` saying why. ``adds_up`` is None where the residual or the total is unknown.
    ``paged_optimizer_state_bytes`` is CUDA managed memory that may lie on either side; torch does
    not count it, so it is in no line. ``host_rss_peak_bytes`` is the worker's own, on the host.
    """

    lines: tuple[LedgerLine, ...]
    counted_by: Literal["nvml", "torch"] | None
    total_bytes: int | None
    total_reason: str
    residual_bytes: int | None
    residual_share: float | None
    adds_up: bool | None
    paged_optimizer_state_bytes: int
    host_rss_peak_bytes: int | None


def account(record: Record) -> Account | None:
    """Return where the memory of a record's steady phase went, or None without a ledger."""
    ledger = record.ledger
    if ledger is None:
        return None
    steady = phase(record, "steady")
    memory = Memory() if steady is None else steady.memory
    reserved, nvml = memory.reserved_peak_bytes, memory.nvml_process_peak_bytes
    context, context_reason = _context(memory)
    lines = [
        *(
            LedgerLine(part="frozen_weights", dtype=dtype, bytes=size)
            for dtype, size in sorted(ledger.frozen_weights_bytes.items())
        ),
        LedgerLine(part="quantization_state", bytes=ledger.quantization_state_bytes),
        LedgerLine(part="trained_weights", bytes=ledger.trained_weights_bytes),
        LedgerLine(part="gradients", bytes=ledger.gradients_bytes),
        LedgerLine(part="optimizer_state", bytes=ledger.optimizer_state_bytes),
        LedgerLine(part="buffers", bytes=ledger.buffers_bytes),
        *_newer(ledger),
        _or_unknown("activations", ledger.activations_bytes, NOT_COUNTED),
    ]
    fragmentation = _or_unknown("fragmentation", ledger.fragmentation_bytes, NOT_COUNTED)
    known = [line.bytes for line in (*lines, fragmentation) if line.bytes is not None]
    residual = None
    if reserved is not None and len(known) == len(lines) + 1:
        # Not the ledger's own: a peak after it was taken would then be explained by nothing.
        residual = reserved - sum(known)
    lines += [
        LedgerLine(part="residual", bytes=residual, reason=_why_no_residual(reserved, residual)),
        fragmentation,
        _or_unknown("context", context, context_reason),
    ]
    total = reserved if context is None else nvml
    share = None if residual is None or not total else abs(residual) / total
    return Account(
        lines=tuple(lines),
        counted_by=None if total is None else "torch" if context is None else "nvml",
        total_bytes=total,
        total_reason=NOT_COUNTED if reserved is None else context_reason,
        residual_bytes=residual,
        residual_share=share,
        adds_up=None if share is None else share <= MOST_RESIDUAL_SHARE,
        paged_optimizer_state_bytes=ledger.paged_optimizer_state_bytes,
        host_rss_peak_bytes=memory.host_rss_peak_bytes,
    )


def _newer(ledger: Ledger) -> Iterator[LedgerLine]:
    """Yield the lines that older records do not have: there they are part of the residual."""
    if ledger.workspaces_bytes is not None:
        yield LedgerLine(part="workspaces", bytes=ledger.workspaces_bytes)
    if ledger.other_tensors_bytes is not None:
        yield LedgerLine(part="other_tensors", bytes=ledger.other_tensors_bytes)


def _why_no_residual(reserved: int | None, residual: int | None) -> str:
    if residual is not None:
        return ""
    return NOT_COUNTED if reserved is None else "another line is unknown"


def _context(memory: Memory) -> tuple[int | None, str]:
    reserved, nvml = memory.reserved_peak_bytes, memory.nvml_process_peak_bytes
    if reserved is None:
        return None, memory.unavailable.get("reserved_peak_bytes", NOT_COUNTED)
    if nvml is None:
        why = memory.unavailable.get("nvml_process_peak_bytes", "")
        return None, why or "NVML did not count this process"
    return (nvml - reserved, "") if nvml >= reserved else (None, SAMPLED_BELOW)


def _or_unknown(part: Part, size: int | None, reason: str) -> LedgerLine:
    # Whole numbers of any size are valid JSON; a share of them would overflow.
    if size is not None and abs(size) > MOST:
        return LedgerLine(part=part, bytes=None, reason=IMPOSSIBLE)
    return LedgerLine(part=part, bytes=size, reason=reason if size is None else "")
