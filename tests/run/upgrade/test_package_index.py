"""What an upgrade brings and what it does not: small wheels in place of an index."""

from pathlib import Path

import pytest

from suite.errors import BadInput, WrongMachine
from suite.run.upgrade import left_out, package_index
from suite.run.upgrade.package_index import NotInstallable, Target
from support import planted

#: An environment with PyTorch's CPU build; nothing of it is installed here.
THERE = {
    "torch": "2.13.0+cpu",
    "peft": "0.21.2",
    "unsloth": "2026.10.9",
    "unsloth-zoo": "2026.10.9",
}
NEEDS = {"unsloth": ["unsloth_zoo>=2026.10.9", "torchvision"], "torch": []}


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels, the only place where pip looks."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return tmp_path / "wheels"


def target(**changes: str) -> Target:
    return Target(packages={**THERE, **changes}, needs=NEEDS)


def lock(folder: Path, *lines: str) -> str:
    path = folder / "lock.txt"
    path.write_text("".join(f"{line}\n" for line in lines))
    return str(path)


@pytest.mark.parametrize("others", [(), ("peft==0.20.0", "triton==3.5.0")])
def test_another_pytorch_in_a_lock_is_refused_aloud(
    tmp_path: Path, others: tuple[str, ...]
) -> None:
    """Alone, and beside other packages that differ: never dropped without a word."""
    with pytest.raises(BadInput, match=r"torch 2\.13\.0\+cpu → 2\.12\.1: another PyTorch"):
        package_index.resolve([lock(tmp_path, "torch==2.12.1", *others)], target())
    with pytest.raises(BadInput, match="another PyTorch"):
        package_index.resolve(["torch>=2.14"], target())


def test_what_a_lock_does_not_bring_is_named_with_its_reason(tmp_path: Path) -> None:
    """Triton, xformers and CUDA's libraries; PyTorch's own version is there in a local build."""
    text = ("torch==2.13.0", "peft==0.20.0", "triton==3.5.0", "xformers==0.0.1")
    found = package_index.resolve(
        [lock(tmp_path, *text, "nvidia-cublas==13.1", "nvidia-ml-py==13.6")], target()
    )
    assert found.packages == {"peft": "0.20.0", "nvidia-ml-py": "13.6"}
    said = left_out.sentences(found.left_out)
    assert "Left out: triton 3.5.0 (comes with torch's CUDA build)." in said
    assert any("xformers 0.0.1 (CUDA only" in each for each in said)
    assert any("nvidia-cublas 13.1 (PyTorch finds" in each for each in said)


def test_unsloth_brings_no_pytorch_and_moves_with_its_zoo(index: Path) -> None:
    """Torchvision wants another torch, and that its CUDA packages: what only they need stays out.

    pip would leave the newer unsloth_zoo where it is; the one that this Unsloth is made for comes.
    """
    zoo = "unsloth_zoo>=2026.10.8"
    planted.small("unsloth", "2026.10.8", index, zoo, "torchvision", "newcomer[more]")
    planted.small("unsloth_zoo", "2026.10.8", index)
    planted.small("newcomer", "1.0", index, 'shared; extra == "more"', "torch>=2.4")
    planted.small("shared", "1.0", index)
    planted.small("torchvision", "0.29.1", index, "torch==2.14.1", "shared")
    planted.small("torch", "2.14.1", index, "nvidia_cublas==13.1")
    planted.small("nvidia_cublas", "13.1", index, "nvidia_more")
    planted.small("nvidia_more", "1.0", index)
    found = package_index.resolve(["unsloth==2026.10.8"], target())
    versions = {"unsloth": "2026.10.8", "unsloth-zoo": "2026.10.8"}
    assert found.packages == {**versions, "newcomer": "1.0", "shared": "1.0"}
    left = {each.name: each.why for each in found.left_out}
    assert left["nvidia-cublas"] == left["nvidia-more"] == "only what is left out needs it"
    assert {"torch", "torchvision"} < left.keys()


def test_unsloth_and_its_zoo_are_named_both_or_refused(tmp_path: Path) -> None:
    """The second alone; a lock with one of them. A lock with both says what it means."""
    for given in (["unsloth_zoo==2026.10.8"], [lock(tmp_path, "unsloth==2026.10.8")]):
        with pytest.raises(BadInput, match="unsloth and unsloth-zoo move together"):
            package_index.resolve(given, target())
    both = lock(tmp_path, "unsloth==2026.10.10", "unsloth_zoo==2026.10.9")
    assert package_index.resolve([both], target()).packages == {"unsloth": "2026.10.10"}


def test_a_package_that_needs_another_pytorch_is_refused(index: Path) -> None:
    """It cannot be laid over this one; without its requirement it would fail, or worse, run."""
    planted.small("newcomer", "1.0", index, "torch>=2.14")
    planted.small("torch", "2.14.1", index)
    with pytest.raises(BadInput, match=r"newcomer needs torch>=2\.14, and torch 2\.13\.0\+cpu"):
        package_index.resolve(["newcomer"], target())


def test_no_package_of_that_name_and_no_network_are_told_apart(
    index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistyped name is one; a known package without this version is an answer; no network."""
    planted.small("peft", "0.20.0", index)
    with pytest.raises(BadInput, match="nosuchpackage: the package index has none"):
        package_index.resolve(["nosuchpackage"], target())
    with pytest.raises(NotInstallable, match=r"peft==99 .*the newest is 0\.20\.0"):
        package_index.resolve(["peft==99"], target())
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(WrongMachine, match="cannot reach the package index"):
        package_index.resolve(["nosuchpackage"], target())


def test_versions_between_lead_from_base_to_candidate(index: Path) -> None:
    """Up to a newer one, down to an older one; the end stands for itself where no index has it."""
    for version in ("0.9", "1.0", "1.2.1", "1.10", "2.0rc1", "2.0"):
        planted.small("newcomer", version, index)
    assert package_index.versions("newcomer", "1.0", "2.0", target()) == ["1.2.1", "1.10", "2.0"]
    assert package_index.versions("newcomer", "2.0", "1.0", target()) == ["1.10", "1.2.1", "1.0"]
    local = package_index.versions("newcomer", "1.2.1", "2.0.post9", target())
    assert local == ["1.10", "2.0", "2.0.post9"]
