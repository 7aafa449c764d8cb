"""Counts and names against the real models, built by transformers and PEFT without memory."""

from typing import Any

import msgspec
import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

from suite.catalog import method as methods
from suite.catalog import model as models
from suite.catalog import parameters
from suite.worker.model.configs import config_for


def build(name: str) -> Any:
    with torch.device("meta"):
        config = config_for(models.load(name))
        return AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)


@pytest.mark.parametrize("name", models.names())
def test_shapes_are_those_of_the_real_model(name: str) -> None:
    """Every parameter of transformers' model has the name and shape that the catalog computes."""
    model = models.load(name)
    built = {key: tuple(value.shape) for key, value in build(name).named_parameters()}
    assert built == parameters.shapes(model)
    assert sum(torch.Size(shape).numel() for shape in built.values()) == model.parameters


@pytest.mark.parametrize(
    ("name", "targets"),
    [
        ("qwen3-0.6b", "linear"),
        ("qwen3-0.6b", "attention"),
        ("qwen3-30b-a3b", "attention"),
        ("qwen3-8b", "linear"),
        ("qwen3-32b", "linear"),
        ("gpt-oss-120b", "linear"),
        ("gpt-oss-120b", "experts"),
        ("qwen3-30b-a3b", "experts"),
    ],
)
@pytest.mark.parametrize("rank", [8, 16])
def test_peft_makes_the_expected_adapters(name: str, targets: str, rank: int) -> None:
    """PEFT's own count of trainable parameters equals the formula's."""
    lora = methods.load("lora")
    assert lora.adapter is not None
    adapter = msgspec.structs.replace(lora.adapter, rank=rank, targets=targets)
    method = msgspec.structs.replace(lora, adapter=adapter)
    model = models.load(name)
    wanted = parameters.adapter_targets(model, adapter)
    experts = [target for target in wanted if target in ("gate_up_proj", "down_proj")]
    fused = [f"mlp.experts.{target}" for target in experts] if targets == "experts" else None
    modules = [target for target in wanted if fused is None or target not in experts]
    config = LoraConfig(r=rank, target_modules=modules, target_parameters=fused)
    with torch.device("meta"):
        adapted = get_peft_model(build(name), config)
    trainable, _ = adapted.get_nb_trainable_parameters()
    assert trainable == parameters.expected_trainable(model, method)


@pytest.mark.parametrize("name", ["llama-3.1-8b", "llama-3.3-70b"])
def test_llama_positions(name: str) -> None:
    """Eight times the 8,192 positions of Llama 3, as torchtune's llama3_1 scales them."""
    config = config_for(models.load(name))
    rope = config.rope_parameters
    assert (rope["rope_type"], rope["rope_theta"], rope["factor"]) == ("llama3", 500_000, 8)
    assert rope["original_max_position_embeddings"] == 8192
    assert (rope["low_freq_factor"], rope["high_freq_factor"]) == (1, 4)
    assert (config.max_position_embeddings, config.rms_norm_eps) == (131_072, 1e-5)


def test_gpt_oss_positions_and_windows() -> None:
    """YaRN over 4,096 original positions and a window on every other layer, as published."""
    config = config_for(models.load("gpt-oss-120b"))
    rope = config.rope_parameters
    assert (rope["rope_type"], rope["rope_theta"], rope["factor"]) == ("yarn", 150_000, 32)
    assert rope["original_max_position_embeddings"] == 4096
    assert (rope["beta_fast"], rope["beta_slow"]) == (32, 1)
    assert config.sliding_window == 128
    assert config.layer_types == ["sliding_attention", "full_attention"] * 18
