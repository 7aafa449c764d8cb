"""Full-size checkpoints that take no disk, so that every loader walks its real path offline.

A safetensors file is a JSON header and a block of tensor bytes. Written as a header and a
truncate, the block is a hole in a sparse file: no blocks on disk, zeros when read. Only NF4 code
tables and quantization states are real bytes. ``weights`` fills the loaded model.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import struct
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from suite.catalog import families, parameters
from suite.catalog.model import Model
from suite.errors import BadInput, WrongMachine
from suite.worker.model.families import open_family
from suite.worker.model.tensors import Layout, StoredTensor

LAYOUT_VERSION = 1  #: bump when the files below change
MANIFEST = "tunebench.json"  #: written last: file names and their sizes in bytes
SHARD_BYTES = 4 << 30


def checkpoint_folder(model: Model, layout: Layout, cache: Path) -> Path:
    """Return the folder of a model's dummy checkpoint, made under ``cache`` if need be.

    Layout "dense" is bfloat16 as the hub has it (gpt-oss: the dequantized one). "nf4", where
    Unsloth splits experts, is bitsandbytes' with one matrix per expert, which Unsloth loads as it
    is (on a GPU; on the CPU its ``patch_gpt_oss_bnb4bit`` must be called before the load, else the
    experts are silently left in 16 bits).
    Two processes may ask at once; a folder appears whole or not at all. Raises WrongMachine when
    the disk cannot hold it, BadInput for a layout the family does not have.
    """
    if layout == "nf4" and not families.of(model.family).unsloth_splits_experts:
        raise BadInput(f"{model.name}: its family has no layout 'nf4'")
    home = cache / "checkpoints"
    folder = home / f"{model.name}-{layout}-{_digest(model, layout)}"
    try:
        if _is_whole(folder):  # no lock: a finished cache may be read-only
            return folder
        home.mkdir(parents=True, exist_ok=True)
        with _locked(home / f".{folder.name}.lock"):
            if not _is_whole(folder):
                _make(model, layout, folder)
    except OSError as error:
        raise WrongMachine(
            f"{folder}: cannot make the checkpoint of random weights: {error.strerror or error}",
            hint="Choose a writable cache folder on a file system with sparse files.",
        ) from error
    return folder


def _digest(model: Model, layout: Layout) -> str:
    parts = (model.family, model.architecture, layout, LAYOUT_VERSION, version("transformers"))
    return hashlib.sha256(msgspec.json.encode(parts, order="deterministic")).hexdigest()[:12]


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    # The kernel releases the lock with the descriptor, so a killed maker blocks nobody.
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _is_whole(folder: Path) -> bool:
    """Return whether the folder holds every file at the size its manifest says."""
    try:
        sizes = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=dict[str, int])
        return all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (FileNotFoundError, msgspec.DecodeError):
        return False


def _make(model: Model, layout: Layout, folder: Path) -> None:
    from suite.worker.model.configs import config_for, write_tokenizer

    prefix = f".{folder.name}.tmp-"
    for left_by_a_killed_maker in folder.parent.glob(f"{prefix}*"):
        shutil.rmtree(left_by_a_killed_maker)
    making = Path(tempfile.mkdtemp(prefix=prefix, dir=folder.parent))
    try:
        _require_sparse_files(making)
        settings = json.loads(config_for(model).to_json_string(use_diff=False))
        if layout == "nf4":
            settings["quantization_config"] = _quantization_config()
        (making / "config.json").write_text(json.dumps(settings, indent=2), encoding="utf-8")
        write_tokenizer(making, model)
        _write_shards(making, list(_tensors(model, layout)))
        sizes = {path.name: path.stat().st_size for path in making.iterdir()}
        (making / MANIFEST).write_text(json.dumps(sizes), encoding="utf-8")
        if folder.exists():
            shutil.rmtree(folder)
        making.chmod(0o755)
        making.rename(folder)
    finally:
        if making.exists():
            shutil.rmtree(making)


def _require_sparse_files(folder: Path) -> None:
    """Raise WrongMachine where a hole takes disk: a large model would fill it."""
    probe = folder / "probe"
    with probe.open("wb") as file:
        file.truncate(4 << 20)
        os.fsync(file.fileno())
    allocated = probe.stat().st_blocks * 512
    probe.unlink()
    if allocated >= 4 << 20:
        raise WrongMachine(
            f"{folder.parent}: this file system has no sparse files",
            hint="Choose a cache folder on another file system (ext4, xfs, btrfs, tmpfs, APFS).",
        )


def _tensors(model: Model, layout: Layout) -> Iterator[StoredTensor]:
    """Yield what the files of a layout hold, under the names they have on the hub."""
    family = open_family(model.family)
    for name, shape in parameters.shapes(model).items():
        yield from family.stored(name, shape, layout)


def _quantization_config() -> dict[str, Any]:
    return {
        "quant_method": "bitsandbytes",
        "load_in_4bit": True,
        "load_in_8bit": False,
        "bnb_4bit_quant_type": "nf4",
        "bnb_4bit_use_double_quant": True,
        "bnb_4bit_compute_dtype": "bfloat16",
        "bnb_4bit_quant_storage": "uint8",
        "llm_int8_skip_modules": ["router", "embed_tokens", "lm_head", "norm"],
    }


def _write_shards(folder: Path, tensors: list[StoredTensor]) -> None:
    """Write the tensors as sparse safetensors files of at most ``SHARD_BYTES``, and the index."""
    shards: list[list[StoredTensor]] = [[]]
    filled = 0
    for tensor in tensors:
        if shards[-1] and filled + tensor.size() > SHARD_BYTES:
            shards.append([])
            filled = 0
        shards[-1].append(tensor)
        filled += tensor.size()
    places: dict[str, str] = {}
    for number, shard in enumerate(shards, start=1):
        name = f"model-{number:05d}-of-{len(shards):05d}.safetensors"
        _write_shard(folder / name, shard)
        places |= dict.fromkeys((tensor.name for tensor in shard), name)
    total = sum(tensor.size() for tensor in tensors)
    index = {"metadata": {"total_size": total}, "weight_map": places}
    text = json.dumps(index)
    (folder / "model.safetensors.index.json").write_text(text, encoding="utf-8")


def _write_shard(path: Path, tensors: list[StoredTensor]) -> None:
    # Wider types first keeps every tensor aligned to its own size; real bytes side by side share
    # disk blocks.
    def place(tensor: StoredTensor) -> tuple[int, bool]:
        return ("F32", "BF16", "U8").index(tensor.dtype), tensor.data is None

    ordered = sorted(tensors, key=place)
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    offset = 0
    real: list[tuple[int, bytes]] = []
    for tensor in ordered:
        end = offset + tensor.size()
        header[tensor.name] = {
            "dtype": tensor.dtype,
            "shape": tensor.shape,
            "data_offsets": [offset, end],
        }
        if tensor.data is not None:
            real.append((offset, tensor.data))
        offset = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        start = file.tell()
        file.truncate(start + offset)
        for at, data in real:
            file.seek(start + at)
            file.write(data)
