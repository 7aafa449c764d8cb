"""Unsloth's own experts of gpt-oss in 4 bits, each path for real; prints what was seen, as JSON.

On the CPU Unsloth does not ask for grouped products, though torch has them: here it is told so.
A process of its own, because importing Unsloth patches what it builds on.
"""

import unsloth  # isort: skip  # noqa: F401  # before anything else

import json
import os
from types import SimpleNamespace

import bitsandbytes
import torch
from unsloth_zoo.temporary_patches import gpt_oss_grouped_qlora, moe_utils
from unsloth_zoo.temporary_patches.gpt_oss import GptOssExpertsBnb4bit

from suite.worker.model.experts import VARIABLE, ExpertsWitness

EXPERTS, WIDTH, TOKENS = 4, 128, 16


class Layer(torch.nn.Module):
    """What the witness looks for: a module named ``experts``."""

    def __init__(self) -> None:
        super().__init__()
        shape = {"num_local_experts": EXPERTS, "hidden_size": WIDTH, "intermediate_size": WIDTH}
        config = SimpleNamespace(**shape, dtype=torch.bfloat16, torch_dtype=torch.bfloat16)
        self.experts = GptOssExpertsBnb4bit(config).train()
        for layers in (self.experts.gate_up_projs, self.experts.down_projs):
            for index, layer in enumerate(layers):
                layers[index] = _quantized(layer)


def _quantized(layer: torch.nn.Linear) -> torch.nn.Module:
    made = bitsandbytes.nn.Linear4bit(
        layer.in_features, layer.out_features, compute_dtype=torch.bfloat16, quant_type="nf4"
    )
    made.weight = bitsandbytes.nn.Params4bit(
        layer.weight.data, requires_grad=False, quant_type="nf4"
    )
    made.bias = torch.nn.Parameter(layer.bias.data, requires_grad=False)
    return made.to("cpu").train()


def step() -> dict[str, object]:
    """One forward and backward pass through fresh experts, the same each time."""
    torch.manual_seed(17)
    layer = Layer()
    rows = torch.randn(1, TOKENS, WIDTH, dtype=torch.bfloat16, requires_grad=True)
    chosen = torch.stack([torch.randperm(EXPERTS)[:2] for _ in range(TOKENS)])
    weights = torch.zeros(TOKENS, EXPERTS, dtype=torch.bfloat16).scatter_(1, chosen, 0.5)
    witness = ExpertsWitness(layer)
    out = layer.experts(rows, chosen, weights)
    out.float().square().mean().backward()
    assert rows.grad is not None
    path = witness.path()
    sums = [out.float().norm().item(), rows.grad.float().norm().item()]
    return {"path": path.name, "why": path.why, "norms": sums}


def fail(*_: object, **__: object) -> None:
    """Fail as a product without a kernel would."""
    raise RuntimeError("no such kernel")


moe_utils._TORCH_GROUPED_MM_SUPPORTED = True
found = {"grouped": step()}
os.environ[VARIABLE] = "0"
found["loop"] = step()
del os.environ[VARIABLE]
moe_utils._base_grouped_mm = fail
found["fell back"] = step()
gpt_oss_grouped_qlora.compute_mode = lambda *_: (None, "experts of two dtypes")
found["declined"] = step()
print(json.dumps(found))
