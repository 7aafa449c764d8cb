"""What a rank does beside training: it joins the others, measures what joins them, and reports.

Everything here is for several ranks; a worker that is alone never imports it.
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from functools import partial

import torch
import torch.distributed as dist

from suite.wire import Start
from suite.wire.ranks import Interconnect, Operation, RankDone, RankReady, Transfer
from suite.worker.batches import Batch
from suite.worker.data import TrainingRow
from suite.worker.ledger import held
from suite.worker.ranks.member import local_rank, rank

#: Sizes of the messages that are timed, by kind of device: small ones show the time to start, the
#: largest what the links carry.
MESSAGES = {
    "cuda": tuple(1 << power for power in (12, 16, 20, 24, 28)),
    "cpu": tuple(1 << power for power in (12, 16, 20, 23)),
}
SIZE_SECONDS = 0.2  #: for each operation and size, about
MOST_REPEATS = 50


def join(start: Start) -> None:
    """Make the group of ranks; the device of a rank on a GPU is the one of its own number."""
    if start.on_gpu:
        torch.cuda.set_device(local_rank())
        device = torch.device("cuda", local_rank())
        dist.init_process_group("nccl", device_id=device)
    else:
        dist.init_process_group("gloo")


def interconnect(start: Start) -> Interconnect:
    """Return how fast the ranks reach each other now; every rank has to call it."""
    count = dist.get_world_size()
    transfers = []
    for size in MESSAGES[start.device]:
        # A multiple of the ranks, in random bits: nothing on the way may make it smaller.
        own = torch.randn(size // 4 // count * count, device=start.device)
        part, whole = own[: own.numel() // count].clone(), torch.empty_like(own)
        timed: tuple[tuple[Operation, Callable[[], object], float], ...] = (
            ("all-reduce", partial(dist.all_reduce, own, dist.ReduceOp.MAX), 2.0),
            ("all-gather", partial(dist.all_gather_into_tensor, whole, part), 1.0),
        )
        for name, work, times in timed:
            seconds = _seconds(work, start)
            moved = own.nbytes * times * (count - 1) / count
            transfers.append(
                Transfer(
                    operation=name,
                    message_bytes=own.nbytes,
                    seconds=seconds,
                    bus_bytes_per_second=moved / seconds,
                )
            )
    if start.on_gpu:
        del own, part, whole, timed, work
        torch.cuda.empty_cache()  # or the case's peaks would have these messages in them
    return Interconnect(backend=dist.get_backend(), transfers=tuple(transfers))


def _seconds(work: Callable[[], object], start: Start) -> float:
    """Return the mean time of one call, of as many as the first rank says take long enough."""

    def timed(repeats: int) -> float:
        dist.barrier()
        began = time.perf_counter()
        for _ in range(repeats):
            work()
        if start.on_gpu:
            torch.cuda.synchronize()
        return max(time.perf_counter() - began, 1e-9) / repeats

    timed(2)
    wanted = torch.tensor([int(SIZE_SECONDS / timed(2)) + 1], device=start.device)
    dist.broadcast(wanted, 0)  # all have to make as many calls
    return timed(min(int(wanted.item()), MOST_REPEATS))


def ready(
    model: torch.nn.Module,
    first: Sequence[Batch],
    rows: Sequence[TrainingRow],
    joined_by: Interconnect,
) -> RankReady:
    """Return what this rank is about to train; ``first`` are the batches of its first step."""
    whole = local = trainable = 0
    for parameter in model.parameters():
        whole += parameter.numel() * parameter.element_size()
        local += held(parameter).numel() * parameter.element_size()
        trainable += parameter.numel() if parameter.requires_grad else 0
    return RankReady(
        rank=rank(),
        device=str(held(next(model.parameters())).device),
        trainable_parameters=trainable,
        weights_bytes=local,
        whole_bytes=whole,
        first_rows=tuple(
            _digest(ids.tolist()) for batch in first for ids in batch["input_ids"].cpu()
        ),
        data=_digest([row.input_ids for row in rows]),
        interconnect=joined_by if rank() == 0 else None,  # all of them measured it together
    )


def done(model: torch.nn.Module) -> RankDone:
    """Return what became of the weights that this rank trained."""
    total = 0.0
    for parameter in model.parameters():
        if parameter.requires_grad:
            total += float(held(parameter.detach()).sum(dtype=torch.float64))
    return RankDone(rank=rank(), trained_sum=total)


def _digest(numbers: object) -> str:
    return hashlib.sha256(repr(numbers).encode()).hexdigest()[:16]
