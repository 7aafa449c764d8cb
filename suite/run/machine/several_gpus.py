"""Several GPUs of this machine: opened together, alike, and what joins them."""

from collections.abc import Iterable, Sequence
from itertools import combinations

import msgspec

from suite.catalog.case import Case
from suite.catalog.profile import Profile
from suite.errors import WrongMachine
from suite.results.record import GpuLink, Topology
from suite.run.machine.environment import cpu_count
from suite.run.machine.gpu import GpuDevice, Missing, open_gpu

#: Processes on a CPU try the code; that many have always been enough for it.
FEW_PROCESSES = 2


def most(cases: Iterable[Case]) -> int:
    """Return how many GPUs the largest case needs; 1 where there is none."""
    return max((case.gpus for case in cases), default=1)


def open_others(first: GpuDevice, count: int) -> tuple[GpuDevice, ...]:
    """Open the GPUs beside the first that a case on ``count`` of them needs.

    Raises WrongMachine where there are fewer, or where they are not alike: ranks wait for the
    slowest, and a number would be of neither card.
    """
    opened: list[GpuDevice] = []
    try:
        for number in range(1, count):
            gpu = open_gpu(number)
            if isinstance(gpu, Missing):
                raise WrongMachine(
                    f"{count} GPUs are asked for: {gpu.reason}",
                    hint=gpu.hint or f"Ask for fewer: --gpus {len(opened) + 1}.",
                )
            opened.append(gpu)
            _like(first, gpu, number)
    except WrongMachine:
        for gpu in opened:
            gpu.close()
        raise
    return tuple(opened)


def require(profile: Profile, count: int) -> None:
    """Raise WrongMachine unless this machine has as many GPUs as a plan needs, all alike."""
    if count == 1:
        return
    if not profile.has_gpu:
        if count > max(cpu_count(), FEW_PROCESSES):
            raise WrongMachine(
                f"{count} processes are asked for, and this machine has {cpu_count()} processors",
                hint=f"Ask for fewer: --gpus {max(cpu_count(), FEW_PROCESSES)}.",
            )
        return
    first = open_gpu()
    if isinstance(first, Missing):
        return  # which is said, with what to do, when the run looks at its machine
    try:
        for gpu in open_others(first, count):
            gpu.close()
    finally:
        first.close()


def topology(gpus: Sequence[GpuDevice]) -> Topology:
    """Return how GPUs are joined, as far as their driver says it."""
    unavailable: dict[str, str] = {}
    links = []
    for (one, gpu), (two, other) in combinations(enumerate(gpus), 2):
        path, why = gpu.path_to(other)
        if path is None:
            unavailable["links"] = why or "NVML names no path that is known here"
        else:
            links.append(msgspec.convert({"first": one, "second": two, "path": path}, GpuLink))
    nvlinks = [gpu.nvlinks() for gpu in gpus]
    nodes = [gpu.numa_node() for gpu in gpus]
    for name, answers in (("nvlinks", nvlinks), ("numa_nodes", nodes)):
        if why := next((why for _, why in answers if why), ""):
            unavailable[name] = why
    return Topology(
        links=tuple(links),
        nvlinks=tuple(count for count, _ in nvlinks),
        numa_nodes=tuple(node for node, _ in nodes),
        unavailable=unavailable,
    )


def _like(first: GpuDevice, other: GpuDevice, number: int) -> None:
    if first.is_slice or other.is_slice:
        raise WrongMachine(
            "slices of a GPU (MIG) cannot train together: NCCL joins whole GPUs",
            hint="Turn MIG off, or measure on one slice.",
        )
    if (first.name, first.memory_bytes) != (other.name, other.memory_bytes):
        raise WrongMachine(
            f"GPU {number} is {other.name!r}, the first is {first.name!r}: unlike GPUs",
            hint="Choose GPUs that are alike with CUDA_VISIBLE_DEVICES.",
        )
