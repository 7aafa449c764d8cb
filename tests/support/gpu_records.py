"""Records as of a GPU, for what only its memory and its methods' workloads bring about."""

import msgspec

from suite.catalog import case as cases
from suite.catalog.parallel import Parallel, ParallelName
from suite.catalog.tier import Workload
from suite.results.record import Gpu, GpuLink, Group, Rank, RankStep, Record, Topology, seal
from suite.wire import Memory, Phase, PhaseName, Step
from suite.wire.ranks import Interconnect, Operation, RankReady, Transfer
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


def several(
    model: str = "qwen3-8b",
    method: str = "lora",
    *,
    kind: ParallelName = "ddp",
    seconds: float = 0.1,
    peaks: tuple[int, ...] = (20 * GIB, 21 * GIB),
    late: int | None = None,
    **changes: object,
) -> Record:
    """A good record on as many H200 as there are ``peaks``; each has the rows that one has alone.

    In step ``late`` the last rank takes twice as long as the first.
    """
    gpus = len(peaks)
    parallel = Parallel(kind=kind, gpus=gpus)
    work = msgspec.structs.replace(records.case(model, method).workload, parallel=parallel)
    steps = tuple(
        msgspec.structs.replace(
            step,
            tokens_padded=gpus * step.tokens_padded,
            tokens_real=gpus * step.tokens_real,
            tokens_loss=gpus * step.tokens_loss,
        )
        for step in records.steps(seconds)
    )
    first = record(
        model, method, workload=work, suffix=f"-{parallel.suffix}", allocated=peaks[0], steps=steps
    )
    operations: tuple[Operation, ...] = ("all-reduce", "all-gather")
    transfers = tuple(
        Transfer(
            operation=operation,
            message_bytes=size,
            seconds=size / 100e9,
            bus_bytes_per_second=200e9,
        )
        for size in (1 << 20, 1 << 26)
        for operation in operations
    )
    group = Group(
        world_size=parallel.ranks,
        ranks=tuple(_rank(number, peaks, steps, late) for number in range(parallel.ranks)),
        gpus=(first.environment.gpu,) * gpus,
        interconnect=Interconnect(backend="nccl", transfers=transfers),
        topology=Topology(
            links=(GpuLink(first=0, second=1, path="nvlink"),), nvlinks=(18,) * gpus
        ),
    )
    return seal(msgspec.structs.replace(first, group=group, **changes))


def _rank(number: int, peaks: tuple[int, ...], steps: tuple[Step, ...], late: int | None) -> Rank:
    last = number == len(peaks) - 1
    return Rank(
        rank=number,
        phases=phases(peaks[number], context=None),  # NVML is asked by the parent alone
        steps=tuple(
            RankStep(
                seconds=step.seconds * (2 if last and step.index == late else 1),
                tokens_real=step.tokens_real // len(peaks),
                loss=step.loss,
                gradient_norm=step.gradient_norm,
            )
            for step in steps
        ),
        ready=RankReady(
            rank=number,
            device=f"cuda:{number}",
            trainable_parameters=147_456,
            weights_bytes=1 << 30,
            whole_bytes=1 << 30,
            first_rows=(str(number),),
            data="the same",
        ),
    )


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
