"""Configurations, tokenizers and the seeded fill of a loaded model's weights."""

import hashlib
import re
import zlib
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
TAPE_LENGTH: Final = 8_388_593


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
    equals a bfloat16 one. It is fast because there is one tape of 8,388,593 numbers, read from a
    place that depends on the name and repeated in large weights.
    """
    tied = bool(getattr(getattr(module, "config", None), "tie_word_embeddings", False))
    numbers, codes = _Tape(_bell(seed)), _Tape(_bytes(seed))
    for raw_name, parameter in module.named_parameters():
        if "lora_" in raw_name:
            continue
        name = canonical_name(raw_name)
        if tied and name == "lm_head.weight":
            name = "model.embed_tokens.weight"
        if type(parameter).__name__ == "Params4bit":
            codes.copy_to(parameter.data.view(torch.uint8), name)
            _fill_scales(parameter)
        elif re.search(r"norm\d*\.weight$", name):
            parameter.data.fill_(1.0)
        elif parameter.is_floating_point():
            numbers.copy_to(parameter.data, name)
        else:
            raise TypeError(f"{raw_name}: {type(parameter).__name__} of {parameter.dtype}")


def fill_adapters(module: torch.nn.Module, seed: int) -> None:
    """Fill every LoRA matrix in place from the seed and its name.

    A is uniform within 1/sqrt(in_features) of 0, the range of PEFT's own initialization, B is
    zero. Guarantees are those of ``fill_base``.
    """
    uniform = _Tape(_uniform(seed))
    for raw_name, parameter in module.named_parameters():
        name = raw_name.replace("_orig_mod.", "")
        if "lora_B" in name:
            parameter.data.zero_()
        elif "lora_A" in name:
            bound = parameter.shape[-1] ** -0.5
            uniform.copy_to(parameter.data, name, bound)


def canonical_name(name: str) -> str:
    """Return a base parameter's name without what PEFT, torch.compile and wrappers add."""
    for part in ("_orig_mod.", "base_layer.", "original_module."):
        name = name.replace(part, "")
    return name.removeprefix("base_model.model.").replace(".router.linear.", ".router.")


def _fill_scales(parameter: Any) -> None:
    state = parameter.quant_state
    variance = sum(value * value for value in NF4_CODE) / 16
    scale = STANDARD_DEVIATION / variance**0.5
    if state.nested:
        # scale of a block = nested code * nested scale + offset
        state.state2.absmax.zero_()
        state.offset.fill_(scale)
    else:
        state.absmax.fill_(scale)


class _Tape:
    """A row of numbers from which weights are copied, starting where their name says."""

    def __init__(self, numbers: torch.Tensor) -> None:
        self._twice = {"cpu": torch.cat([numbers, numbers])}
        self._length = numbers.numel()

    def copy_to(self, target: torch.Tensor, name: str, factor: float = 1.0) -> None:
        """Overwrite a contiguous tensor."""
        device = str(target.device)
        if device not in self._twice:
            self._twice[device] = self._twice["cpu"].to(target.device)
        begin = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % self._length
        tape = self._twice[device][begin : begin + self._length]
        flat = target.view(-1)
        for at in range(0, flat.numel(), self._length):
            piece = flat[at : at + self._length]
            source = tape[: piece.numel()]
            piece.copy_(source if factor == 1.0 else (source * factor).to(torch.bfloat16))


def _stream(seed: int, purpose: str, count: int) -> Any:
    key = [seed, zlib.crc32(purpose.encode())]
    return numpy.random.Philox(key=key).random_raw(count)


def _bell(seed: int) -> torch.Tensor:
    octets = _stream(seed, "base", TAPE_LENGTH).view(numpy.uint8).reshape(-1, 8)
    total = octets.sum(axis=1, dtype=numpy.int16) - 1020  # mean 0
    scale = STANDARD_DEVIATION / (8 * (256**2 - 1) / 12) ** 0.5
    return (torch.from_numpy(total).float() * scale).to(torch.bfloat16)


def _uniform(seed: int) -> torch.Tensor:
    words = _stream(seed, "adapters", -(-TAPE_LENGTH // 4)).view(numpy.uint16)[:TAPE_LENGTH]
    return (torch.from_numpy(words.astype(numpy.float32)) - 32767.5) / 32768


def _bytes(seed: int) -> torch.Tensor:
    octets = _stream(seed, "codes", -(-TAPE_LENGTH // 8)).view(numpy.uint8)[:TAPE_LENGTH]
    return torch.from_numpy(octets.copy())
