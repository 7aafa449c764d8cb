"""Tensors as the files of a checkpoint hold them: whole, or packed as NF4."""

import json
import math
import struct
from collections.abc import Iterator
from typing import Literal

import msgspec

Layout = Literal["dense", "nf4"]

#: The sixteen NF4 values (QLoRA, arXiv 2305.14314, appendix E), as bitsandbytes has them.
NF4_CODE = (
    *(-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453),
    *(-0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0.0),
    *(0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224),
    *(0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0),
)
NF4_BLOCK, NESTED_BLOCK = 64, 256


class StoredTensor(msgspec.Struct, frozen=True, kw_only=True):
    """One tensor of a file: ``data`` None is a hole."""

    name: str
    dtype: Literal["F32", "BF16", "U8"]
    shape: tuple[int, ...]
    data: bytes | None = None

    def size(self) -> int:
        """Return how many bytes it has."""
        return math.prod(self.shape) * {"F32": 4, "BF16": 2, "U8": 1}[self.dtype]


def whole(name: str, shape: tuple[int, ...]) -> StoredTensor:
    """Return a tensor in bfloat16, left empty."""
    return StoredTensor(name=name, dtype="BF16", shape=shape)


def packed(name: str, out_features: int, in_features: int) -> Iterator[StoredTensor]:
    """Yield one NF4 weight with double quantization, in bitsandbytes' serialized form."""
    count = out_features * in_features
    blocks = -(-count // NF4_BLOCK)
    nested_blocks = -(-blocks // NESTED_BLOCK)
    state = {
        "quant_type": "nf4",
        "blocksize": NF4_BLOCK,
        "dtype": "bfloat16",
        "shape": [out_features, in_features],
        "nested_blocksize": NESTED_BLOCK,
        "nested_dtype": "float32",
        "nested_offset": 0.05,
    }
    written = json.dumps(state).encode()
    code = struct.pack("<16f", *NF4_CODE)
    # Stands in for the table of the nested 8-bit code; fill_base makes its values irrelevant.
    nested_code = struct.pack("<256f", *((value - 127) / 128 for value in range(256)))
    yield StoredTensor(name=name, dtype="U8", shape=(-(-count // 2), 1))
    yield StoredTensor(name=f"{name}.absmax", dtype="U8", shape=(blocks,))
    yield StoredTensor(name=f"{name}.quant_map", dtype="F32", shape=(16,), data=code)
    yield StoredTensor(name=f"{name}.nested_absmax", dtype="F32", shape=(nested_blocks,))
    yield StoredTensor(
        name=f"{name}.nested_quant_map", dtype="F32", shape=(256,), data=nested_code
    )
    yield StoredTensor(
        name=f"{name}.quant_state.bitsandbytes__nf4",
        dtype="U8",
        shape=(len(written),),
        data=written,
    )
