"""Configurations, tokenizers and the seeded fill of a loaded model's weights."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy
import torch

from suite.catalog.model import Model
from suite.worker.checkpoints import (
    END_TOKEN_ID,
    NF4_CODE,
    PADDING_TOKEN_ID,
    checkpoint_folder,
)

__all__ = ["checkpoint_folder", "config_for", "fill_adapters", "fill_base", "write_tokenizer"]

STANDARD_DEVIATION: Final = 0.02
#: Numbers on the tape; prime, so that no matrix's rows line up with its repetitions.
TAPE_LENGTH: Final = 4_194_301


def config_for(model: Model) -> Any:
    """Return the model's transformers configuration, architecture facts from the catalog."""
    from transformers import GptOssConfig, Qwen3Config, Qwen3MoeConfig

    a = model.architecture
    common = {
        "hidden_size": a.hidden_size,
        "num_hidden_layers": a.layers,
        "num_attention_heads": a.attention_heads,
        "num_key_value_heads": a.key_value_heads,
        "head_dim": a.head_size,
        "vocab_size": a.vocabulary_size,
        "max_position_embeddings": a.max_positions,
        "tie_word_embeddings": a.tied_embeddings,
        "rope_parameters": {"rope_type": "default", "rope_theta": a.rope_theta},
        "eos_token_id": END_TOKEN_ID,
        "pad_token_id": PADDING_TOKEN_ID,
        "dtype": "bfloat16",
    }
    if a.experts is None:
        return Qwen3Config(
            **common, intermediate_size=a.intermediate_size, architectures=["Qwen3ForCausalLM"]
        )
    common["num_experts_per_tok"] = a.experts.active
    if model.family == "qwen3-moe":
        return Qwen3MoeConfig(
            **common,
            num_experts=a.experts.count,
            moe_intermediate_size=a.experts.intermediate_size,
            norm_topk_prob=True,
            architectures=["Qwen3MoeForCausalLM"],
        )
    # YaRN as OpenAI's reference code has it: factor 32 over the original 4,096 positions.
    common["rope_parameters"] = {
        "rope_type": "yarn",
        "rope_theta": a.rope_theta,
        "factor": 32.0,
        "beta_fast": 32.0,
        "beta_slow": 1.0,
        "truncate": False,
        "original_max_position_embeddings": a.max_positions // 32,
    }
    return GptOssConfig(
        **common,
        num_local_experts=a.experts.count,
        intermediate_size=a.experts.intermediate_size,
        sliding_window=a.sliding_window,
        architectures=["GptOssForCausalLM"],
    )


def write_tokenizer(folder: Path, model: Model) -> None:
    """Write a byte-level tokenizer: enough for loaders and trainers that insist on one."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocabulary = {
        symbol: index for index, symbol in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))
    }
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    end = "<|return|>" if model.family == "gpt-oss" else "<|im_end|>"
    tokenizer.add_special_tokens([end, "<|endoftext|>"])  # ids 256 and 257, as config_for says
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=end,
        pad_token="<|endoftext|>",
        model_max_length=model.architecture.max_positions,
    ).save_pretrained(folder)


def fill_base(module: torch.nn.Module, seed: int) -> None:
    """Fill every base weight in place, on its device, from the seed and its name.

    Norm weights become 1; everything else is bell-shaped around 0 with standard deviation 0.02
    (a sum of eight random bytes, at most 4.9 standard deviations from 0). Adapters are left
    alone. An NF4 weight gets uniformly random codes, which is what quantizing normal numbers
    gives, and one scale for all blocks that makes its dequantized standard deviation 0.02,
    whether its scales are themselves quantized or not.

    Guaranteed: the same seed and names give the same bits on every device, engine and torch
    release. Every number is made on the CPU with integer arithmetic from a NumPy Philox stream
    (which NumPy keeps stable), rounded to bfloat16 and then copied, so a float32 copy of a weight
    equals a bfloat16 one. It is fast because there is one tape of 4,194,301 numbers, read from a
    place that depends on the name and repeated in large weights. A dense weight and its NF4
    counterpart are different numbers.

    Raises TypeError for storage it does not know, ValueError for a weight that is not loaded.
    """
    tied = bool(getattr(getattr(module, "config", None), "tie_word_embeddings", False))
    numbers, codes = _Tape(lambda: _bell(seed)), _Tape(lambda: _octets(seed))
    for raw_name, parameter in module.named_parameters():
        if "lora_" in raw_name:
            continue
        if parameter.is_meta:
            raise ValueError(f"{raw_name}: still on the meta device, so not loaded")
        name = canonical_name(raw_name)
        if tied and name == "lm_head.weight":
            name = "model.embed_tokens.weight"
        if type(parameter).__name__ == "Params4bit":
            codes.copy_to(parameter.data.view(torch.uint8), name)
            _fill_scales(parameter)
        elif not parameter.is_floating_point():
            raise TypeError(f"{raw_name}: {type(parameter).__name__} of {parameter.dtype}")
        elif name.endswith("norm.weight"):
            parameter.data.fill_(1.0)
        else:
            numbers.copy_to(parameter.data, name)


def fill_adapters(module: torch.nn.Module, seed: int) -> None:
    """Fill every LoRA matrix in place from the seed and its name.

    A is uniform within 1/sqrt(in_features) of 0, the range of PEFT's own initialization, B is
    zero. Guarantees are those of ``fill_base``.
    """
    uniform = _Tape(lambda: _uniform(seed))
    for raw_name, parameter in module.named_parameters():
        # Keeps "base_layer": a module with two adapted parameters has one adapter inside another.
        name = raw_name.replace("_orig_mod.", "")
        if ".lora_B." in name:
            parameter.data.zero_()
        elif ".lora_A." in name:
            uniform.copy_to(parameter.data, name, parameter.shape[-1] ** -0.5)


def canonical_name(name: str) -> str:
    """Return a base parameter's name without what PEFT, torch.compile and Unsloth add."""
    for part in ("_orig_mod.", "base_layer.", "original_module."):
        name = name.replace(part, "")
    return name.removeprefix("base_model.model.").replace(".router.linear.", ".router.")


def _fill_scales(parameter: Any) -> None:
    state = parameter.quant_state
    mean_square = sum(value * value for value in NF4_CODE) / len(NF4_CODE)
    scale = STANDARD_DEVIATION / mean_square**0.5
    if state.nested:  # scale of a block = nested code * nested scale + offset
        state.state2.absmax.zero_()
        state.offset.fill_(scale)
    else:
        state.absmax.fill_(scale)


class _Tape:
    """A row of numbers from which weights are copied, starting where their name says.

    ``make`` returns ``TAPE_LENGTH`` of them on the CPU; it is called when first needed.
    """

    def __init__(self, make: Callable[[], torch.Tensor]) -> None:
        self._make = make
        self._twice: dict[torch.device, torch.Tensor] = {}

    def copy_to(self, target: torch.Tensor, name: str, factor: float | None = None) -> None:
        """Overwrite a tensor; with a factor, by products rounded to bfloat16."""
        if target.device not in self._twice:
            numbers = self._make().to(target.device)
            self._twice[target.device] = torch.cat([numbers, numbers])
        begin = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % TAPE_LENGTH
        tape = self._twice[target.device][begin : begin + TAPE_LENGTH]
        flat = target.view(-1)
        for at in range(0, flat.numel(), TAPE_LENGTH):
            piece = flat[at : at + TAPE_LENGTH]
            source = tape[: piece.numel()]
            piece.copy_(source if factor is None else (source * factor).to(torch.bfloat16))


def _stream(seed: int, purpose: str, count: int) -> Any:
    """Return ``count`` random 64-bit words as a NumPy array."""
    digest = hashlib.sha256(f"{seed} {purpose}".encode()).digest()
    return numpy.random.Philox(key=int.from_bytes(digest[:16], "big")).random_raw(count)


def _bell(seed: int) -> torch.Tensor:
    words = _stream(seed, "base", TAPE_LENGTH)
    # The eight bytes of every word are added side by side: to four pairs, then to one sum.
    even = numpy.uint64(0x00FF00FF00FF00FF)
    odd_bytes = words >> numpy.uint64(8)
    odd_bytes &= even
    words &= even
    words += odd_bytes
    words *= numpy.uint64(0x0001000100010001)
    words >>= numpy.uint64(48)
    sums = torch.from_numpy(words.view(numpy.int64)).float()
    mean, deviation = 8 * 255 / 2, (8 * (256**2 - 1) / 12) ** 0.5
    return ((sums - mean) * (STANDARD_DEVIATION / deviation)).to(torch.bfloat16)


def _uniform(seed: int) -> torch.Tensor:
    words = _stream(seed, "adapters", -(-TAPE_LENGTH // 4)).view(numpy.uint16)[:TAPE_LENGTH]
    return (torch.from_numpy(words.astype(numpy.float32)) - 32767.5) / 32768


def _octets(seed: int) -> torch.Tensor:
    words = _stream(seed, "codes", -(-TAPE_LENGTH // 8))
    return torch.from_numpy(words.view(numpy.uint8)[:TAPE_LENGTH])
