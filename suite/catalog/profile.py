"""Hardware profiles: one TOML in ``hardware_profiles/`` is one GPU (or the CPU), with sources."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from suite.catalog import toml
from suite.catalog.tier import Loop

FOLDER = Path(__file__).parents[2] / "hardware_profiles"


class Fact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One number about the world: SI unit in the key that holds it, source beside it.

    ``derived`` says that the vendor does not print the number; ``note`` says how it came about.
    """

    value: Annotated[float, msgspec.Meta(gt=0)]
    source: str
    derived: bool = False
    note: str = ""


class Facts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the vendor says. Absent means unknown, never a default."""

    memory_bytes: Fact | None = None
    nvml_memory_bytes: Fact | None = None  #: the total that NVML reports; no vendor's number
    memory_bytes_per_second: Fact | None = None
    bf16_flops: Fact | None = None  #: dense, FP32 accumulation, FLOP/s
    board_power_watts: Fact | None = None
    streaming_multiprocessors: Fact | None = None


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One kind of hardware.

    ``nvml_name`` is the exact device name that NVML reports; null for the CPU.
    ``verified`` is true once the suite has run on it. ``image`` is a folder of ``docker/``.
    """

    name: str
    title: str
    device: Literal["cpu", "cuda"]
    default_tier: str
    default_loop: Loop
    verified: bool
    nvml_name: str | None = None
    compute_capability: str | None = None
    image: str | None = None
    facts: Facts = Facts()

    def __post_init__(self) -> None:
        if (self.device == "cuda") != (self.nvml_name is not None):
            raise ValueError("nvml_name is for device = 'cuda', and needed there")


def names() -> list[str]:
    """Return the names of all profiles."""
    return toml.names(FOLDER)


def load(name: str) -> Profile:
    """Return one profile; raises BadInput for an unknown name or a bad file."""
    return toml.load(FOLDER, name, Profile, noun="profile")
