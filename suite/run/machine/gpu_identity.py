"""What this GPU is: findings on its name, memory, slices and what it can compute."""

import re
from collections.abc import Iterator
from typing import Literal

from suite import units
from suite.catalog import profile as profiles
from suite.catalog.profile import Profile
from suite.results.record import Finding, Gpu

Status = Literal["ok", "warn", "block", "unknown"]

_SLICE = re.compile(r"\bMIG \d+[cg]\b")  #: in NVML's name of one: "… MIG 1g.10gb"
MOST_NAMED = 8


def card(profile: Profile, gpu: Gpu) -> Finding:
    """Return whether this is the profile's card, by name and memory."""
    if gpu.name != profile.nvml_name:
        words = f"{gpu.name}, but profile {profile.name} is {profile.nvml_name}"
        return Finding(name="gpu", status="block", detail=words)
    if not profiles.is_card(profile, gpu.name, gpu.memory_total_bytes):
        expected = units.bytes_(profiles.memory_bytes(profile) or 0)
        has = units.bytes_(gpu.memory_total_bytes or 0)
        words = f"{gpu.name} of {has}, but profile {profile.name} has {expected}"
        return Finding(name="gpu", status="block", detail=words)
    return Finding(name="gpu", status="ok", detail=gpu.name)


def mig(gpu: Gpu, slices: tuple[str, ...] = ()) -> Finding:
    """Return whether this is a whole card; one that is cut into slices is none."""
    if _SLICE.search(gpu.name):
        return Finding(name="mig", status="ok", detail="a slice, chosen by its UUID")
    if gpu.mig is None:
        return Finding(name="mig", status="unknown", detail="NVML does not say")
    if not gpu.mig:
        return Finding(name="mig", status="ok", detail="off")
    words = "on: CUDA takes a slice of this GPU, whose peak and memory are not the GPU's; "
    if slices:
        named = ", ".join(slices[:MOST_NAMED])
        words += f"set CUDA_VISIBLE_DEVICES to one of {named}"
    else:
        words += "it has no slices: make one (nvidia-smi mig -cgi), or turn MIG off"
    return Finding(name="mig", status="block", detail=words)


def bfloat16(profile: Profile, told: str | None) -> Iterator[Finding]:
    """Yield what the card cannot compute; ``told`` is its compute capability by NVML, or None."""
    capability = told or profile.compute_capability
    if reason := profiles.no_bfloat16(capability):
        words = f"{reason}: every method that computes in bfloat16 is unsupported"
        yield Finding(name="bfloat16", status="warn", detail=words)
    said = profile.compute_capability
    if told is not None and said is not None and told != said:
        words = f"{told} by NVML, but profile {profile.name} says {said}"
        yield Finding(name="compute capability", status="warn", detail=words)


def order(names: list[str], told: str | None) -> Iterator[Finding]:
    """Yield a warning where an index means one card to NVML and maybe another one to CUDA."""
    first = (told or "0").split(",")[0].strip()
    if len(set(names)) > 1 and first.isdigit():
        words = (
            f"{len(names)} GPUs of different kinds: index {first} is nvidia-smi's, and CUDA by"
            " itself counts otherwise; a UUID in CUDA_VISIBLE_DEVICES says which for sure"
        )
        yield Finding(name="gpu order", status="warn", detail=words)
