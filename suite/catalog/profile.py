"""Hardware profiles: one TOML in ``hardware_profiles/`` is one GPU (or the CPU), with sources.

``prices.toml`` beside them is no profile: see ``suite.catalog.prices``.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from suite.catalog import toml
from suite.catalog.bounds import Factor
from suite.catalog.tier import Loop
from suite.errors import BadInput, did_you_mean

FOLDER = Path(__file__).parents[2] / "hardware_profiles"
PRICES = "prices"  #: the file of the folder that is no profile

#: What any card of the last and next years may have, by fact: least, most and unit. A value
#: outside is a slip of the unit (GB for bytes, TFLOP/s for FLOP/s), not a card.
POSSIBLE: Mapping[str, tuple[float, float, str]] = {
    "memory_bytes": (1e9, 4e12, "bytes"),
    "nvml_memory_bytes": (1e9, 4e12, "bytes"),
    "memory_bytes_per_second": (5e10, 1e14, "bytes/s"),
    "bf16_flops": (1e12, 5e16, "FLOP/s"),
    "board_power_watts": (20, 5000, "W"),
    "streaming_multiprocessors": (4, 2000, "multiprocessors"),
    "pcie_generation": (3, 9, ""),
}
#: Ratios that hold for every class of card, from GeForce to B200, with room on both sides: two
#: facts of one card that break them contradict each other.
PROPORTIONS: tuple[tuple[str, str, float, float], ...] = (
    ("nvml_memory_bytes", "memory_bytes", 0.9, 1.1),
    ("bf16_flops", "memory_bytes_per_second", 40, 1500),
    ("bf16_flops", "streaming_multiprocessors", 3e11, 6e13),
    ("bf16_flops", "board_power_watts", 1e11, 1e13),
)


class Fact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One number about the world: SI unit in the key that holds it, source beside it.

    ``derived`` says that the vendor does not print the number; ``note``, needed then, says how it
    came about. A disputed number says so in its note.
    """

    value: Factor
    source: Annotated[str, msgspec.Meta(min_length=1)]
    derived: bool = False
    note: str = ""

    def __post_init__(self) -> None:
        if self.derived and not self.note:
            raise ValueError("derived = true without a note that says how")


class Facts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the vendor says. Absent means unknown, never a default.

    Refuses what no card can have (``POSSIBLE``) and what contradicts (``PROPORTIONS``).
    """

    memory_bytes: Fact | None = None
    nvml_memory_bytes: Fact | None = None  #: the total that NVML reports; no vendor's number
    memory_bytes_per_second: Fact | None = None
    bf16_flops: Fact | None = None  #: dense, FP32 accumulation, FLOP/s
    board_power_watts: Fact | None = None
    streaming_multiprocessors: Fact | None = None
    pcie_generation: Fact | None = None  #: of the card's own link to the host

    def __post_init__(self) -> None:
        for name, (least, most, unit) in POSSIBLE.items():
            value = self.value(name)
            if value is not None and not least <= value <= most:
                shown = f"{least:g} to {most:g} {unit}".rstrip()
                raise ValueError(f"{name} = {value:g} is absurd: expected {shown}")
        for one, other, least, most in PROPORTIONS:
            ours, theirs = self.value(one), self.value(other)
            if ours is None or theirs is None or least <= ours / theirs <= most:
                continue
            raise ValueError(
                f"{one} = {ours:g} contradicts {other} = {theirs:g}: the first over the second"
                f" is {ours / theirs:.3g}, expected {least:g} to {most:g}"
            )

    def value(self, name: str) -> float | None:
        """Return one fact's number, or None where it is unknown."""
        fact: Fact | None = getattr(self, name)
        return None if fact is None else fact.value


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One kind of hardware.

    ``nvml_name`` is the exact device name that NVML reports; null for the CPU.
    ``verified`` is true once the suite has run on it. ``image`` is a folder of ``docker/``.
    ``unified_memory``: the GPU has the host's memory and none of its own.
    """

    name: str
    title: str
    device: Literal["cpu", "cuda"]
    default_tier: str
    default_loop: Loop
    verified: bool
    nvml_name: str | None = None
    compute_capability: Annotated[str, msgspec.Meta(pattern=r"^\d+\.\d$")] | None = None
    image: str | None = None
    unified_memory: bool = False
    facts: Facts = Facts()

    def __post_init__(self) -> None:
        if (self.device == "cuda") != (self.nvml_name is not None):
            raise ValueError("nvml_name is for device = 'cuda', and needed there")


def names() -> list[str]:
    """Return the names of all profiles."""
    return [name for name in toml.names(FOLDER) if name != PRICES]


def load(name: str) -> Profile:
    """Return one profile; raises BadInput for an unknown name or a bad file."""
    if name not in names():
        raise BadInput(f"unknown profile {name!r}", hint=did_you_mean(name, names()))
    return toml.load(FOLDER, name, Profile, noun="profile")


def everything() -> list[Profile]:
    """Return all profiles, by name; raises BadInput where two are of one NVML name."""
    found = [load(name) for name in names()]
    for number, profile in enumerate(found):
        refuse_twin(FOLDER / f"{profile.name}.toml", profile, found[:number])
    return found


def chosen(name: str) -> Profile:
    """Return the profile that somebody asked for.

    Raises BadInput as ``load`` does, and where another profile has its NVML name.
    """
    profile = load(name)
    file = FOLDER / f"{name}.toml"
    refuse_twin(file, profile, beside(file))
    return profile


def beside(file: Path) -> list[Profile]:
    """Return the other profiles of a file's folder; what is none, or a bad one, is left out."""
    found = []
    for path in sorted(file.parent.glob("*.toml")):
        if path.name == file.name or path.stem == PRICES:
            continue
        try:
            found.append(toml.read(path, Profile))
        except BadInput:
            continue  # whoever reads that file is told
    return found


def refuse_twin(file: Path, profile: Profile, others: Iterable[Profile]) -> None:
    """Raise BadInput where another profile has the NVML name: the GPU would fit two of them."""
    if profile.nvml_name is None:
        return
    for other in others:
        if other.nvml_name == profile.nvml_name:
            raise BadInput(
                f"{file}: key 'nvml_name': {profile.nvml_name!r} is that of"
                f" {other.name}.toml as well; one GPU has one profile"
            )
