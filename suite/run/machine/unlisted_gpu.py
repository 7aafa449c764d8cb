"""A GPU that no profile describes: measured all the same, with what is unknown left unknown."""

import re
from collections.abc import Iterator

from suite.catalog import profile as profiles
from suite.catalog.profile import Fact, Facts, Profile
from suite.results.record import Finding
from suite.run.machine.gpu import GpuDevice

UNLISTED = "unlisted-"  #: what the name of such a profile begins with; the GPU's own follows


def unlisted(gpu: GpuDevice) -> Profile:
    """Return a profile of the GPU's name and memory, without an image or any other fact.

    Where a file describes a card of that name and other memory, the memory is in the name.
    """
    total = gpu.memory_bytes
    name = UNLISTED + re.sub("[^a-z0-9]+", "-", gpu.name.lower()).strip("-")
    if total and any(one.nvml_name == gpu.name for one in profiles.everything()):
        name += f"-{total / (1 << 30):.0f}gb"
    memory = Fact(value=total, source="NVML on this GPU") if total else None
    return Profile(
        name=name,
        title=gpu.name,
        device=gpu.device_type,
        default_tier="standard",
        default_loop="sft",
        verified=False,
        nvml_name=gpu.name,
        compute_capability=gpu.compute_capability,
        facts=Facts(nvml_memory_bytes=memory),
    )


def findings(profile: Profile) -> Iterator[Finding]:
    """Yield the request to describe the GPU, where no file does."""
    if profile.name.startswith(UNLISTED):
        words = (
            "no file describes this GPU, so its peak and bandwidth are unknown; please contribute"
            f" hardware_profiles/NAME.toml with nvml_name = {profile.nvml_name!r} and its sources"
            " (hardware_profiles/README.md)"
        )
        yield Finding(name="profile", status="warn", detail=words)
