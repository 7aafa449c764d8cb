"""The seeded fill of a loaded model's weights and adapters."""

import hashlib
from collections.abc import Callable
from itertools import pairwise
from typing import Any, Final

import numpy
import torch

from suite.worker.model.tensors import NF4_CODE

STANDARD_DEVIATION: Final = 0.02
#: Numbers on the tape; prime, so that no matrix's rows line up with its repetitions.
TAPE_LENGTH: Final = 4_194_301
#: Of 64 normal numbers, an NF4 block, the largest lies about this many deviations from 0.
BLOCK_DEVIATIONS: Final = 2.4
#: Goes into what records say of their weights; a change of the numbers below bumps it.
#: 1: NF4 codes uniform, which gave every matrix a mean that drowned its gradients.
FILL_VERSION: Final = 2


def fill_base(module: torch.nn.Module, seed: int) -> None:
    """Fill every base weight in place, on its device, from the seed and its name.

    Norm weights become 1; everything else is bell-shaped around 0 with standard deviation 0.02
    (a sum of eight random bytes, at most 4.9 standard deviations from 0). Adapters are left
    alone. An NF4 weight gets the codes that quantizing such numbers gives, and one scale for all
    blocks, whether its scales are themselves quantized or not: dequantized, its standard deviation
    is 0.02 within 2 % and its mean 0. (The sixteen NF4 values are not symmetric: uniformly random
    codes would give each matrix a mean, and with it one direction that outweighs all others.)

    Guaranteed: the same seed and names give the same bits on every device, engine and torch
    release. Every number is made on the CPU with integer arithmetic from a NumPy Philox stream
    (which NumPy keeps stable), rounded to bfloat16 and then copied, so a float32 copy of a weight
    equals a bfloat16 one. It is fast because there is one tape of 4,194,301 numbers, read from a
    place that depends on the name and repeated in large weights. A dense weight and its NF4
    counterpart are different numbers.

    Raises TypeError for storage it does not know, ValueError for a weight that is not loaded.
    """
    tied = bool(getattr(getattr(module, "config", None), "tie_word_embeddings", False))
    numbers, codes = _Tape(lambda: _bell(seed)), _Tape(lambda: _codes(seed))
    for raw_name, parameter in module.named_parameters():
        if "lora_" in raw_name:
            continue
        if parameter.is_meta:
            raise ValueError(f"{raw_name}: still on the meta device, so not loaded")
        name = canonical_name(raw_name)
        if tied and name == "lm_head.weight":
            name = "model.embed_tokens.weight"
        if type(parameter).__name__ == "Params4bit":
            codes.copy_to(parameter.data.view(torch.uint8), 0, name)
            _fill_scales(parameter)
        elif not parameter.is_floating_point():
            raise TypeError(f"{raw_name}: {type(parameter).__name__} of {parameter.dtype}")
        elif name.endswith("norm.weight"):
            shard(parameter)[0].fill_(1.0)
        else:
            numbers.copy_to(*shard(parameter), name)


def fill_adapters(module: torch.nn.Module, seed: int) -> None:
    """Fill every LoRA matrix in place from the seed and its name.

    A is uniform within 1/sqrt(in_features) of 0, the range of PEFT's own initialization, B is
    zero. Guarantees are those of ``fill_base``.
    """
    uniform = _Tape(lambda: _uniform(seed))
    for raw_name, parameter in module.named_parameters():
        # Keeps "base_layer": a module with two adapted parameters has one adapter inside another.
        name = raw_name.replace("_orig_mod.", "").replace("_checkpoint_wrapped_module.", "")
        if parameter.is_meta:
            continue  # it is filled once it is sharded
        if ".lora_B." in name:
            shard(parameter)[0].zero_()
        elif ".lora_A." in name:
            uniform.copy_to(*shard(parameter), name, parameter.shape[-1] ** -0.5)


def shard(parameter: torch.Tensor) -> tuple[torch.Tensor, int]:
    """Return what this process holds of a parameter, and how many of its numbers come before.

    All of it and 0, unless it is sharded along its first dimension, as FSDP2 does.
    """
    held = parameter.data
    if not hasattr(held, "to_local"):
        return held, 0
    mesh = held.device_mesh
    rows = -(-held.shape[0] // mesh.size()) * mesh.get_local_rank()
    return held.to_local(), min(rows, held.shape[0]) * held[:1].numel()


def canonical_name(name: str) -> str:
    """Return a base parameter's name without what PEFT, torch.compile and Unsloth add."""
    for part in ("_orig_mod.", "_checkpoint_wrapped_module.", "base_layer.", "original_module."):
        name = name.replace(part, "")
    return name.removeprefix("base_model.model.").replace(".router.linear.", ".router.")


def _fill_scales(parameter: Any) -> None:
    state = parameter.quant_state
    scale = STANDARD_DEVIATION * BLOCK_DEVIATIONS
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

    def copy_to(
        self, target: torch.Tensor, before: int, name: str, factor: float | None = None
    ) -> None:
        """Overwrite a tensor that ``before`` numbers of its whole come before.

        With a factor, by products rounded to bfloat16.
        """
        if target.device not in self._twice:
            numbers = self._make().to(target.device)
            self._twice[target.device] = torch.cat([numbers, numbers])
        begin = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % TAPE_LENGTH
        tape = self._twice[target.device][begin : begin + TAPE_LENGTH]
        flat, at = target.view(-1), 0
        while at < flat.numel():
            source = tape[(before + at) % TAPE_LENGTH :][: flat.numel() - at]
            piece = flat[at : at + source.numel()]
            at += source.numel()
            piece.copy_(source if factor is None else (source * factor).to(torch.bfloat16))


def _stream(seed: int, purpose: str, count: int) -> Any:
    """Return ``count`` random 64-bit words as a NumPy array."""
    digest = hashlib.sha256(f"{seed} {purpose}".encode()).digest()
    return numpy.random.Philox(key=int.from_bytes(digest[:16], "big")).random_raw(count)


def _sums(seed: int, purpose: str, count: int) -> Any:
    """Return ``count`` sums of eight random bytes, bell-shaped, as a NumPy array of uint64."""
    words = _stream(seed, purpose, count)
    # The eight bytes of every word are added side by side: to four pairs, then to one sum.
    even = numpy.uint64(0x00FF00FF00FF00FF)
    odd_bytes = words >> numpy.uint64(8)
    odd_bytes &= even
    words &= even
    words += odd_bytes
    words *= numpy.uint64(0x0001000100010001)
    words >>= numpy.uint64(48)
    return words


_SUM_MEAN: Final = 8 * 255 / 2
_SUM_DEVIATION: Final = (8 * (256**2 - 1) / 12) ** 0.5


def _bell(seed: int) -> torch.Tensor:
    sums = torch.from_numpy(_sums(seed, "base", TAPE_LENGTH).view(numpy.int64)).float()
    return ((sums - _SUM_MEAN) * (STANDARD_DEVIATION / _SUM_DEVIATION)).to(torch.bfloat16)


def _codes(seed: int) -> torch.Tensor:
    """Return bytes of two NF4 codes each, as nearest to bell-shaped numbers."""
    between = [(low + high) / 2 for low, high in pairwise(NF4_CODE)]
    edges = [_SUM_MEAN + edge * BLOCK_DEVIATIONS * _SUM_DEVIATION for edge in between]
    code_of_sum = numpy.searchsorted(edges, numpy.arange(8 * 255 + 1)).astype(numpy.uint8)
    codes = code_of_sum[_sums(seed, "codes", 2 * TAPE_LENGTH)]
    return torch.from_numpy(codes[::2] << 4 | codes[1::2])


def _uniform(seed: int) -> torch.Tensor:
    words = _stream(seed, "adapters", -(-TAPE_LENGTH // 4)).view(numpy.uint16)[:TAPE_LENGTH]
    return (torch.from_numpy(words.astype(numpy.float32)) - 32767.5) / 32768
