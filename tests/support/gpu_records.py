"""Records as of a GPU, for what only its memory and its methods' workloads bring about."""

import msgspec

from suite.catalog import case as cases
from suite.catalog.tier import Workload
from suite.results.record import Gpu, Record
from suite.wire import Memory, Phase, PhaseName
from support import records

GIB = 1 << 30
PHASES: tuple[PhaseName, ...] = ("import", "load", "prepare", "first_step", "steady")


def phases(
    allocated: int | None, *, reserved: int | None = None, context: int | None = GIB, load: int = 0
) -> tuple[Phase, ...]:
    """Peaks that are the same in all phases, but for ``load`` where that is more."""
    found = []
    for name in PHASES:
        peak = max(allocated, load) if allocated is not None and name == "load" else allocated
        taken = peak if reserved is None else max(reserved, peak or 0)
        counted = None if context is None or taken is None else taken + context
        memory = Memory(
            allocated_peak_bytes=peak,
            reserved_peak_bytes=taken,
            nvml_process_peak_bytes=counted,
            unavailable={} if peak is not None else {"allocated_peak_bytes": "not counted here"},
        )
        found.append(Phase(name=name, seconds=1.5, memory=memory))
    return tuple(found)


def record(
    model: str = "qwen3-8b",
    method: str = "lora",
    *,
    allocated: int = 20 * GIB,
    workload: Workload | None = None,
    suffix: str = "",
    **changes: object,
) -> Record:
    """A good record on an H200; ``changes`` replace fields of the record."""
    return records.record(
        model, method, **{**_gpu(model, method, allocated, workload, suffix), **changes}
    )


def failed(
    model: str = "qwen3-8b",
    method: str = "lora",
    *,
    workload: Workload | None = None,
    suffix: str = "",
    **changes: object,
) -> Record:
    """A case on an H200 that ran out of memory while loading."""
    made = _gpu(model, method, GIB, workload, suffix)
    return records.failed(model, method, **{**made, "phases": (), **changes})


def _gpu(
    model: str, method: str, allocated: int, workload: Workload | None, suffix: str
) -> dict[str, object]:
    case = records.case(model, method)
    if workload is not None:
        case_id = f"{case.case_id}{suffix}"
        case = msgspec.structs.replace(case, workload=workload, case_id=case_id)
    gpu = Gpu(name="NVIDIA H200", uuid_hash="0", driver="580", memory_total_bytes=140 * GIB)
    return {
        "case": case,
        "case_id": case.case_id,
        "work_key": cases.work_key(case),
        "profile": "h200-sxm",
        "environment": msgspec.structs.replace(records.environment(), gpu=gpu),
        "phases": phases(allocated),
    }
