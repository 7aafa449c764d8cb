"""The seeded fill: the same numbers for every engine, storage and device."""

import hashlib
from functools import cache

import pytest
import torch
from bitsandbytes.functional import dequantize_4bit
from bitsandbytes.nn import Params4bit
from peft import LoraConfig, get_peft_model
from torch import nn
from transformers import AutoModelForCausalLM

from suite.catalog import model as models
from suite.worker.model.configs import config_for
from suite.worker.model.weights import TAPE_LENGTH, canonical_name, fill_adapters, fill_base


@cache
def filled(name: str, dtype: torch.dtype, seed: int = 0) -> dict[str, torch.Tensor]:
    model = AutoModelForCausalLM.from_config(config_for(models.load(name)), dtype=dtype)
    fill_base(model, seed)
    return {key: value.detach() for key, value in model.named_parameters()}


@pytest.mark.parametrize("name", ["tiny-qwen3", "tiny-gpt-oss"])
def test_numbers_do_not_depend_on_the_storage_type(name: str) -> None:
    """A float32 copy of the model holds exactly the bfloat16 one's numbers."""
    wide, narrow = filled(name, torch.float32), filled(name, torch.bfloat16)
    assert all(torch.equal(value, narrow[key].float()) for key, value in wide.items())


def test_numbers_are_sensible() -> None:
    """Norms are 1, every other weight is nonzero and spread as asked, no two are alike."""
    found = filled("tiny-gpt-oss", torch.bfloat16)
    large = [value.float() for value in found.values() if value.numel() >= 8192]
    assert all(abs(value.std().item() - 0.02) < 0.001 for value in large)
    assert all(abs(value.mean().item()) < 0.001 for value in large)
    for name, value in found.items():
        assert (value == 1).all() if "norm" in name else value.count_nonzero() > 0, name
    starts = {tuple(value.flatten()[:16].tolist()) for value in large}
    assert len(starts) == len(large)


def test_the_seed_decides() -> None:
    """Another seed gives other numbers."""
    one, two = filled("tiny-qwen3", torch.bfloat16), filled("tiny-qwen3", torch.bfloat16, 1)
    assert not torch.equal(one["lm_head.weight"], two["lm_head.weight"])


def test_numbers_are_the_same_for_ever() -> None:
    """Losses of different machines and releases are compared, so the numbers never change."""
    module = nn.Linear(300, 200, dtype=torch.bfloat16)
    fill_base(module, 0)
    weight = module.weight.detach().float().numpy()
    assert hashlib.sha256(weight.tobytes()).hexdigest()[:16] == "e75326cc59fff592"


def test_a_weight_longer_than_the_tape() -> None:
    """A large weight is filled to its end; the tape's period is prime."""
    module = nn.Linear(4096, 1100, bias=False, dtype=torch.bfloat16)
    module.weight.data.fill_(7)
    fill_base(module, 0)
    flat = module.weight.detach().flatten()
    assert flat.numel() > TAPE_LENGTH
    assert flat.max() < 0.2
    assert torch.equal(flat[TAPE_LENGTH:], flat[: flat.numel() - TAPE_LENGTH])
    assert all(TAPE_LENGTH % divisor for divisor in range(2, 2049))


def test_scales_do_not_depend_on_double_quantization() -> None:
    """NF4 with and without quantized scales stands for the same numbers, spread as asked."""
    found = []
    for nested in (True, False):
        module = nn.Module()
        weight = Params4bit(torch.zeros(256, 512), quant_type="nf4", compress_statistics=nested)
        module.weight = weight.to("cpu")
        fill_base(module, 0)
        assert module.weight.quant_state.nested == nested
        found.append(dequantize_4bit(module.weight.data, module.weight.quant_state))
    assert torch.equal(*found)
    assert abs(found[0].std().item() - 0.02) < 0.0005
    assert len(found[0].unique()) == 16


def test_quantized_numbers_have_no_mean() -> None:
    """A mean of a hundredth of the spread is a direction that outweighs a wide matrix's others."""
    module = nn.Module()
    module.weight = Params4bit(torch.zeros(2048, 2048), quant_type="nf4").to("cpu")
    fill_base(module, 0)
    values = dequantize_4bit(module.weight.data, module.weight.quant_state)
    assert abs(values.mean() / values.std()) < 0.002
    bulk, largest = values.float().std() * 2 * 2048**0.5, torch.linalg.matrix_norm(values, 2)
    assert largest < 1.05 * bulk


def test_codes_are_the_same_for_ever() -> None:
    """QLoRA's losses are compared across machines and releases, so its codes never change."""
    module = nn.Module()
    module.weight = Params4bit(torch.zeros(64, 128), quant_type="nf4").to("cpu")
    fill_base(module, 0)
    digest = hashlib.sha256(module.weight.data.view(torch.uint8).numpy().tobytes()).hexdigest()
    assert digest[:16] == "09498b664574c494"


def test_adapters_start_as_no_change() -> None:
    """A is spread over PEFT's own range, B is zero, and base weights stay as they are."""
    model = AutoModelForCausalLM.from_config(config_for(models.load("tiny-qwen3")))
    adapted = get_peft_model(model, LoraConfig(r=8, target_modules=["q_proj", "down_proj"]))
    fill_base(adapted, 0)
    before = {key: value.clone() for key, value in adapted.named_parameters()}
    fill_adapters(adapted, 0)
    seen = set()
    for name, value in adapted.named_parameters():
        if "lora_A" in name:
            bound = value.shape[-1] ** -0.5
            assert 0.99 * bound < value.abs().max() <= bound
            assert abs(value.std() / bound - 3**-0.5) < 0.05
            seen.add(tuple(value.flatten()[:8].tolist()))
        elif "lora_B" in name:
            assert not value.any()
        else:
            assert torch.equal(value, before[name])
    assert len(seen) == 8


def test_tied_output_layer_equals_the_embeddings() -> None:
    """An engine that unties a tied output layer still gets the tied numbers."""
    module = nn.Module()
    module.config = type("Config", (), {"tie_word_embeddings": True})()
    module.model = nn.Module()
    module.model.embed_tokens = nn.Embedding(20, 8)
    module.lm_head = nn.Linear(8, 20, bias=False)
    fill_base(module, 0)
    assert torch.equal(module.model.embed_tokens.weight, module.lm_head.weight)


def test_what_is_not_loaded_is_refused() -> None:
    """A weight on the meta device and one of unknown storage are named."""
    with pytest.raises(ValueError, match="weight: still on the meta device"):
        fill_base(nn.Linear(4, 4, device="meta"), 0)
    module = nn.Module()
    module.packed = nn.Parameter(torch.zeros(4, dtype=torch.int8), requires_grad=False)
    with pytest.raises(TypeError, match=r"packed: Parameter of torch\.int8"):
        fill_base(module, 0)


@pytest.mark.parametrize(
    "name",
    [
        "model.layers.0.mlp.router.weight",
        "base_model.model.model.layers.0.mlp.router.weight",
        "_orig_mod.base_model.model.model.layers.0.mlp.router.linear.base_layer.weight",
    ],
)
def test_canonical_names(name: str) -> None:
    """Wrappers of PEFT, torch.compile and Unsloth do not show in a name."""
    assert canonical_name(name) == "model.layers.0.mlp.router.weight"


@pytest.mark.parametrize("device", ["cpu", *(["cuda"] if torch.cuda.is_available() else [])])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_every_device_and_precision_gets_the_same_numbers(device: str, dtype: torch.dtype) -> None:
    """A weight is the same number in bfloat16 and float32, on the CPU and on a GPU."""
    reference = nn.Linear(300, 200, dtype=torch.bfloat16)
    other = nn.Linear(300, 200, dtype=dtype, device=device)
    fill_base(reference, 0)
    fill_base(other, 0)
    assert torch.equal(reference.weight.float(), other.weight.cpu().float())
