"""Dummy checkpoints: full size, no disk, whole or absent."""

import contextlib
import json
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from bitsandbytes.functional import get_4bit_type
from safetensors import safe_open
from transformers import AutoModelForCausalLM, AutoTokenizer

from suite.catalog import families, parameters
from suite.catalog import model as models
from suite.catalog.model import Model
from suite.errors import BadInput, WrongMachine
from suite.worker.model import checkpoints
from suite.worker.model.checkpoints import Layout, checkpoint_folder

ALL: list[tuple[str, Layout]] = [(name, "dense") for name in models.names()]
ALL += [(name, "nf4") for name in models.names() if models.load(name).family == "gpt-oss"]

MAKER = """
import sys
from pathlib import Path
from suite.catalog import model as models
from suite.worker.model.checkpoints import checkpoint_folder
print(checkpoint_folder(models.load(sys.argv[1]), sys.argv[2], Path(sys.argv[3])))
"""


def start_maker(name: str, layout: Layout, cache: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", MAKER, name, layout, str(cache)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def bytes_on_disk(folder: Path) -> int:
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*"))


@pytest.mark.parametrize(("name", "layout"), ALL)
def test_full_size_and_no_disk(name: str, layout: Layout, tmp_path: Path) -> None:
    """Files are as large as a download, take next to no disk, and safetensors opens them."""
    model = models.load(name)
    folder = checkpoint_folder(model, layout, tmp_path)
    index = json.loads((folder / "model.safetensors.index.json").read_text())
    elements = 0
    opened = 0
    for file in sorted(set(index["weight_map"].values())):
        with safe_open(folder / file, framework="pt") as tensors:
            for key in tensors.keys():  # noqa: SIM118 - not a mapping
                assert index["weight_map"][key] == file
                opened += 1
        elements += (folder / file).stat().st_size
    assert opened == len(index["weight_map"])
    if layout == "dense":
        assert elements == pytest.approx(2 * model.parameters, rel=0.02)
    else:
        packed = parameters.quantizable_parameters(model)
        expected = packed / 2 * (1 + 1 / 32) + 2 * (model.parameters - packed)
        assert elements == pytest.approx(expected, rel=0.02 if model.parameters > 10**9 else 0.5)
    assert bytes_on_disk(folder) < 32 << 20


def test_values_are_zeros_but_for_the_code_tables(tmp_path: Path) -> None:
    """The hole reads as zeros; an NF4 table is bitsandbytes' own."""
    folder = checkpoint_folder(models.load("tiny-gpt-oss"), "nf4", tmp_path)
    name = "model.layers.0.mlp.experts.down_projs.3.weight"
    with safe_open(next(folder.glob("*.safetensors")), framework="pt") as tensors:
        assert not tensors.get_tensor(name).any()
        code = tensors.get_tensor(f"{name}.quant_map")
        state = bytes(tensors.get_tensor(f"{name}.quant_state.bitsandbytes__nf4").tolist())
    assert code.tolist() == get_4bit_type("nf4", device="cpu").tolist()
    assert json.loads(state)["shape"] == [128, 128]


def test_made_once(tmp_path: Path) -> None:
    """A second call returns the same folder untouched; another architecture gets its own."""
    model = models.load("tiny-qwen3")
    folder = checkpoint_folder(model, "dense", tmp_path)
    before = (folder / "config.json").stat()
    assert checkpoint_folder(model, "dense", tmp_path) == folder
    assert (folder / "config.json").stat().st_ino == before.st_ino
    assert checkpoint_folder(models.load("tiny-gpt-oss"), "dense", tmp_path) != folder


@pytest.mark.parametrize("damage", ["shortened", "removed", "manifest"])
def test_a_damaged_folder_is_made_again(damage: str, tmp_path: Path) -> None:
    """A folder that lost a file, a tail or its manifest is not trusted."""
    model = models.load("tiny-qwen3")
    folder = checkpoint_folder(model, "dense", tmp_path)
    shard = next(folder.glob("*.safetensors"))
    size = shard.stat().st_size
    if damage == "shortened":
        os.truncate(shard, size - 1)
    elif damage == "removed":
        shard.unlink()
    else:
        (folder / checkpoints.MANIFEST).write_text("[1, 2")
    assert checkpoint_folder(model, "dense", tmp_path) == folder
    assert shard.stat().st_size == size


def test_two_processes_at_once(tmp_path: Path) -> None:
    """Both get the same whole folder and nothing is left beside it."""
    makers = [start_maker("gpt-oss-120b", "nf4", tmp_path) for _ in range(2)]
    answers = [maker.communicate(timeout=120) for maker in makers]
    assert [maker.returncode for maker in makers] == [0, 0], answers
    assert answers[0][0] == answers[1][0]
    found = [path for path in (tmp_path / "checkpoints").iterdir() if path.is_dir()]
    assert found == [Path(answers[0][0].strip())]


def test_a_killed_maker_leaves_nothing_that_is_trusted(tmp_path: Path) -> None:
    """After SIGKILL in the middle of writing, the next maker starts over and cleans up."""
    home = tmp_path / "checkpoints"
    maker = start_maker("gpt-oss-120b", "nf4", tmp_path)
    deadline = time.monotonic() + 60
    while not list(home.glob(".*.tmp-*/*.safetensors")):
        assert maker.poll() is None, maker.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.001)
    maker.send_signal(signal.SIGKILL)
    maker.communicate()
    assert [path for path in home.iterdir() if path.is_dir() and path.name[0] != "."] == []
    assert list(home.glob(".*.tmp-*"))
    folder = checkpoint_folder(models.load("gpt-oss-120b"), "nf4", tmp_path)
    assert [path for path in home.iterdir() if path.is_dir()] == [folder]


@contextlib.contextmanager
def largest_file(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_error_is_one_clear_error(tmp_path: Path) -> None:
    """A file system that refuses a file's size leaves an explanation and no folder."""
    with largest_file(8 << 20), pytest.raises(WrongMachine, match="File too large") as caught:
        checkpoint_folder(models.load("qwen3-8b"), "dense", tmp_path)
    assert "cache" in caught.value.hint
    assert [path for path in (tmp_path / "checkpoints").iterdir() if path.is_dir()] == []


def test_a_cache_that_is_a_file(tmp_path: Path) -> None:
    """A cache path that is not a folder is named."""
    cache = tmp_path / "cache"
    cache.write_text("")
    with pytest.raises(WrongMachine, match=str(cache)):
        checkpoint_folder(models.load("tiny-qwen3"), "dense", cache)


@pytest.mark.parametrize("left_bytes", [4 << 10, 12 << 10, 64 << 10])
def test_a_full_disk(left_bytes: int, tmp_path: Path) -> None:
    """A file system without room ends in an explanation, and works once there is room.

    The sizes end in the configuration, the tokenizer and the tensors.
    """
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(tmp_path)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("mounting a small file system needs root")
    try:
        filler = tmp_path / "filler"
        filler.write_bytes(bytes((1 << 20) - left_bytes))
        model = models.load("gpt-oss-120b")
        with pytest.raises(WrongMachine, match="No space left"):
            checkpoint_folder(model, "nf4", tmp_path)
        filler.unlink()
        assert checkpoint_folder(models.load("tiny-qwen3"), "dense", tmp_path).is_dir()
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_finished_cache_may_be_read_only(tmp_path: Path) -> None:
    """Whoever may only read the cache can still use what is in it."""
    model = models.load("tiny-qwen3")
    folder = checkpoint_folder(model, "dense", tmp_path)
    shutil.copytree(tmp_path, tmp_path.with_name("other"))
    home = tmp_path.with_name("other") / "checkpoints"
    home.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        assert checkpoint_folder(model, "dense", home.parent).name == folder.name
    finally:
        home.chmod(stat.S_IRWXU)


def test_only_gpt_oss_has_the_nf4_layout(tmp_path: Path) -> None:
    """A dense family is quantized at load from its dense checkpoint."""
    with pytest.raises(BadInput, match="no layout 'nf4'"):
        checkpoint_folder(models.load("qwen3-8b"), "nf4", tmp_path)


def tiny(family: str) -> Model:
    """A small model of each family; the catalog has no small Qwen3-MoE."""
    if family != "qwen3-moe":
        return models.load(f"tiny-{family}")
    model = models.load("tiny-gpt-oss")
    architecture = msgspec.structs.replace(model.architecture, sliding_window=None)
    return msgspec.structs.replace(model, family=family, architecture=architecture)


@pytest.mark.parametrize("family", families.names())
def test_transformers_finds_every_weight(family: str, tmp_path: Path) -> None:
    """The loader misses nothing and is left with nothing, and the tokenizer fits the model."""
    model = tiny(family)
    folder = checkpoint_folder(model, "dense", tmp_path)
    loaded, report = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True)
    assert {key: len(found) for key, found in report.items() if found} == {}
    assert not any(value.any() for value in loaded.parameters())
    assert {key: tuple(value.shape) for key, value in loaded.named_parameters()} == (
        parameters.shapes(model)
    )
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert len(tokenizer) == 258
    assert tokenizer.eos_token_id == loaded.config.eos_token_id
    assert tokenizer.pad_token_id == loaded.config.pad_token_id
    text = "Grüße, 世界!"
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
