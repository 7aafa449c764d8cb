"""Where the device's memory went: a ledger of bytes taken from the running model.

Everything is read from tensors that exist, by storage, so that a weight shared by two names is
counted once. What torch cannot attribute is the residual, and it is printed, not hidden.
"""

import gc
from collections.abc import Iterable, Iterator
from itertools import chain

import torch

from suite.catalog.device import is_gpu
from suite.wire import Ledger
from suite.worker.machine import gpu_memory


def held(tensor: torch.Tensor) -> torch.Tensor:
    """Return what this process holds of a tensor: of a sharded one its part."""
    part: torch.Tensor = tensor.to_local() if hasattr(tensor, "to_local") else tensor
    return part


def _storage_bytes(tensors: Iterable[torch.Tensor], seen: set[int]) -> int:
    """Return the bytes behind the tensors, leaving out storages already in ``seen``."""
    total = 0
    for tensor in tensors:
        try:
            storage = held(tensor).untyped_storage()
        except NotImplementedError:  # a stand-in of torch.func, which has no memory of its own
            continue
        key = storage.data_ptr()
        if key and key not in seen:
            seen.add(key)
            total += storage.nbytes()
    return total


def _quantization_state(holder: torch.Tensor | torch.nn.Module) -> Iterator[torch.Tensor]:
    """Yield the tensors bitsandbytes keeps beside packed weights, or of sharded ones a module."""
    state = getattr(holder, "quant_state", None)
    while state is not None:
        for name in ("absmax", "code", "offset"):
            tensor = getattr(state, name, None)
            if isinstance(tensor, torch.Tensor):
                yield tensor
        state = getattr(state, "state2", None)


def _optimizer_tensors(optimizer: torch.optim.Optimizer) -> Iterator[torch.Tensor]:
    for state in optimizer.state.values():
        for value in state.values():
            if isinstance(value, torch.Tensor):
                yield value


def _living(device: str) -> Iterator[torch.Tensor]:
    """Yield every plain tensor on the device that Python still holds, whoever holds it.

    Subclasses are left out, and so are wrappers: a compiler's stand-ins say that they are on the
    device and have no memory there.
    """
    for thing in gc.get_objects():
        if type(thing) not in (torch.Tensor, torch.nn.Parameter):
            continue
        if thing.device.type == device and not torch._is_functional_tensor(thing):
            yield thing


def _workspaces_bytes() -> int:
    """Return what cuBLAS keeps for its products, by letting it go; only after the last step."""
    before = gpu_memory.allocated()
    torch._C._cuda_clearCublasWorkspaces()
    return before - gpu_memory.allocated()


def take(
    model: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    *,
    gradient_bytes: int,
    allocated_before_step_bytes: int | None,
    allocated_peak_bytes: int | None,
    reserved_peak_bytes: int | None,
) -> Ledger:
    """Return the ledger of one steady step; all sizes in bytes.

    ``gradient_bytes`` is what the trained parameters' gradients took before the update,
    ``allocated_before_step_bytes`` what torch had allocated when the step began. The last three
    are None where torch does not count, that is on the CPU: then only what tensors show is known.
    """
    device = next(model.parameters()).device.type
    seen: set[int] = set()
    trained = [p for p in model.parameters() if p.requires_grad]
    trained_bytes = _storage_bytes((p.data for p in trained if p.device.type == device), seen)
    weights: dict[str, int] = {}
    for parameter in model.parameters():
        if not parameter.requires_grad and parameter.device.type == device:
            name = str(parameter.dtype).removeprefix("torch.")
            weights[name] = weights.get(name, 0) + _storage_bytes([parameter.data], seen)
    quantization = _storage_bytes(
        (
            tensor
            for holder in chain(model.parameters(), model.modules())
            for tensor in _quantization_state(holder)
        ),
        seen,
    )
    buffers = _storage_bytes((b for b in model.buffers() if b.device.type == device), seen)
    # bitsandbytes' paged state is CUDA managed memory: torch's allocator never sees it.
    states = list(_optimizer_tensors(optimizer))
    paged = _storage_bytes((t for t in states if getattr(t, "is_paged", False)), seen)
    state_bytes = _storage_bytes((t for t in states if t.device.type == device), seen)

    others = _storage_bytes(_living(device), seen)
    workspaces = _workspaces_bytes() if is_gpu(device) else None

    known = trained_bytes + sum(weights.values()) + quantization + buffers + state_bytes + others
    activations = residual = fragmentation = None
    if allocated_before_step_bytes is not None and allocated_peak_bytes is not None:
        residual = allocated_before_step_bytes - known - (workspaces or 0)
        activations = allocated_peak_bytes - allocated_before_step_bytes - gradient_bytes
    if reserved_peak_bytes is not None and allocated_peak_bytes is not None:
        fragmentation = reserved_peak_bytes - allocated_peak_bytes
    return Ledger(
        frozen_weights_bytes=weights,
        trained_weights_bytes=trained_bytes,
        quantization_state_bytes=quantization,
        buffers_bytes=buffers,
        gradients_bytes=gradient_bytes,
        optimizer_state_bytes=state_bytes,
        paged_optimizer_state_bytes=paged,
        workspaces_bytes=workspaces,
        other_tensors_bytes=others,
        activations_bytes=activations,
        residual_bytes=residual,
        fragmentation_bytes=fragmentation,
    )
