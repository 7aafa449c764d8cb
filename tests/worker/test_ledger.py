"""The memory ledger, on tensors of the CPU."""

import gc

import pytest
import torch

from suite.worker import ledger
from suite.worker.training.step_gate import Collector


def take(model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> "ledger.Ledger":
    unknown = ("allocated_before_step_bytes", "allocated_peak_bytes", "reserved_peak_bytes")
    return ledger.take(model, optimizer, gradient_bytes=0, **dict.fromkeys(unknown))


def test_each_byte_is_in_one_line() -> None:
    """Weights, state and what else is alive are told apart, and a view is counted once."""
    model = torch.nn.Linear(256, 256)
    model.bias.requires_grad_(False)
    optimizer = torch.optim.AdamW([model.weight])
    model(torch.ones(1, 256)).sum().backward()
    optimizer.step()
    optimizer.zero_grad()
    before = take(model, optimizer)
    assert before.trained_weights_bytes == 256 * 256 * 4
    assert before.frozen_weights_bytes == {"float32": 256 * 4}
    assert 2 * 256 * 256 * 4 <= before.optimizer_state_bytes <= 2 * 256 * 256 * 4 + 64

    kept = torch.zeros(3_000_000, dtype=torch.uint8)
    view = kept[:10]
    after = take(model, optimizer)
    assert (after.other_tensors_bytes or 0) - (before.other_tensors_bytes or 0) == 3_000_000
    assert view.numel() == 10


def test_paged_state_is_a_line_of_its_own() -> None:
    """bitsandbytes marks what it put into managed memory; torch's count never holds it."""
    model = torch.nn.Linear(64, 64, bias=False)
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(1, 64)).sum().backward()
    optimizer.step()
    before = take(model, optimizer)
    state = optimizer.state[model.weight]
    state["exp_avg"].is_paged = True  # as on a GPU; on the CPU its optimizers fall back
    after = take(model, optimizer)
    assert after.paged_optimizer_state_bytes == 64 * 64 * 4
    assert after.optimizer_state_bytes == before.optimizer_state_bytes - 64 * 64 * 4


def test_stand_ins_of_a_compiler_are_not_memory() -> None:
    """A fake tensor says it has a device and has no memory; the ledger is taken all the same."""
    fake_tensor = pytest.importorskip("torch._subclasses.fake_tensor")
    model = torch.nn.Linear(8, 8)
    optimizer = torch.optim.AdamW(model.parameters())
    before = take(model, optimizer).other_tensors_bytes or 0
    with fake_tensor.FakeTensorMode():
        stand_in = torch.empty(10_000_000)
    assert (take(model, optimizer).other_tensors_bytes or 0) - before < 1_000_000
    assert stand_in.numel() == 10_000_000


def test_a_wrapper_of_vmap_is_not_memory() -> None:
    """A batched tensor that a compiled model keeps has no storage to ask for."""
    model = torch.nn.Linear(8, 8)
    optimizer = torch.optim.AdamW(model.parameters())
    kept = []
    torch.vmap(lambda row: kept.append(row) or row)(torch.ones(4, 1000))
    with pytest.raises(NotImplementedError):
        kept[0].untyped_storage()
    assert take(model, optimizer).other_tensors_bytes is not None


def test_the_collectors_time_is_noticed() -> None:
    """A full collection over many objects takes time, and just that is added."""
    collector = Collector()
    rings = [[] for _ in range(200_000)]
    for ring in rings:
        ring.append(ring)
    before = collector.seconds
    del rings
    gc.collect()
    assert 0 < collector.seconds - before < 10
