"""Hardware profiles: one TOML in ``hardware_profiles/`` is one GPU (or the CPU), with sources.

``prices.toml`` beside them is no profile: see ``suite.catalog.prices``. A GPU's is the one of
its NVML name and its memory: an RTX 3080 has 10 or 12 GB, and an RTX 4090 rebuilt with 48 GB keeps
its name.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, ClassVar

import msgspec

from suite.catalog import toml
from suite.catalog.bounds import Factor
from suite.catalog.device import DeviceType, is_gpu
from suite.catalog.loops import Loop
from suite.catalog.names import Name
from suite.errors import BadInput, WrongMachine, did_you_mean

FOLDER = Path(__file__).parents[2] / "hardware_profiles"
PRICES = "prices"  #: the file of the folder that is no profile

#: Tensor cores compute in bfloat16 from here (NVIDIA, CUDA programming guide, Ampere). Below it
#: PyTorch emulates: it says that bfloat16 is supported, and is many times slower.
BF16_CAPABILITY = (8, 0)

#: One sentence for whoever asks for the GPU of another vendor.
OTHER_VENDORS = (
    "Tunebench measures NVIDIA GPUs through CUDA, and CPUs; AMD GPUs (ROCm), Apple GPUs (MPS) and"
    " others are not supported"
)
OTHER_DEVICES = ("rocm", "hip", "amd", "amdgpu", "mps", "metal", "apple", "mlx", "xpu", "tpu")
_OTHER_NAMES = ("amd ", "radeon", "instinct", "apple ", "intel")

#: A card's memory as NVML gives it and as its profile has it differ by no more than this factor:
#: GB against GiB, error correction, what the driver takes.
SAME = 1.1
#: Two profiles of one name are two cards where their memory differs by more than this factor.
APART = 1.05

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

    ``nvml_name`` is the exact device name that NVML reports; null for the CPU. It and the memory
    say which GPU this is.
    ``verified`` is true once the suite has run on it. ``image`` is a folder of ``docker/``.
    ``unified_memory``: the GPU has the host's memory and none of its own.
    """

    REFUSED: ClassVar = {("device", word): OTHER_VENDORS for word in OTHER_DEVICES}

    name: Name
    title: str
    device: DeviceType
    default_tier: Name
    default_loop: Loop
    verified: bool
    nvml_name: str | None = None
    compute_capability: Annotated[str, msgspec.Meta(pattern=r"^\d+\.\d$")] | None = None
    image: Name | None = None
    unified_memory: bool = False
    facts: Facts = Facts()

    def __post_init__(self) -> None:
        if self.has_gpu != (self.nvml_name is not None):
            raise ValueError("nvml_name is for device = 'cuda', and needed there")
        if self.nvml_name is not None and self.nvml_name.lower().startswith(_OTHER_NAMES):
            raise ValueError(f"nvml_name = {self.nvml_name!r} is no NVIDIA GPU: {OTHER_VENDORS}")
        if self.facts.bf16_flops is not None and (reason := no_bfloat16(self.compute_capability)):
            raise ValueError(f"bf16_flops: {reason}; leave it out")

    @property
    def has_gpu(self) -> bool:
        """Return whether cases train on a GPU here."""
        return is_gpu(self.device)


def no_bfloat16(compute_capability: str | None) -> str:
    """Return why a GPU of that compute capability has no bfloat16, or an empty string.

    An unknown capability, as ``"9.0"`` or None, gives no reason.
    """
    if compute_capability is None:
        return ""
    major, _, minor = compute_capability.partition(".")
    if len(major) > 3 or (int(major), int(minor)) >= BF16_CAPABILITY:
        return ""
    needed = ".".join(map(str, BF16_CAPABILITY))
    return f"compute capability {compute_capability} has no bfloat16, which begins with {needed}"


def names() -> list[str]:
    """Return the names of all profiles."""
    return [name for name in toml.names(FOLDER) if name != PRICES]


def load(name: str) -> Profile:
    """Return one profile; raises BadInput for an unknown name or a bad file."""
    if name not in names():
        raise BadInput(f"unknown profile {name!r}", hint=did_you_mean(name, names()))
    return toml.load(FOLDER, name, Profile, noun="profile")


def known(name: str) -> Profile | None:
    """Return one profile; None where there is none or its file is bad, which is said once."""
    return next(iter(toml.every([name], load)), None) if name in names() else None


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


def memory_bytes(profile: Profile) -> float | None:
    """Return the memory by which a profile's card is known; None where it is unknown."""
    facts = profile.facts
    return facts.value("nvml_memory_bytes") or facts.value("memory_bytes")


def is_card(profile: Profile, nvml_name: str, memory: float | None) -> bool:
    """Return whether a GPU of that name and memory in bytes can be the profile's.

    What is unknown on either side contradicts nothing.
    """
    ours = memory_bytes(profile)
    if profile.nvml_name != nvml_name:
        return False
    return ours is None or not memory or _factor(ours, memory) <= SAME


def of_gpu(nvml_name: str, memory: float | None) -> Profile | None:
    """Return the profile of a GPU of that name and memory in bytes, or None.

    Raises BadInput where two profiles are of this very card, and WrongMachine where there are
    several of its name and NVML does not say its memory. Bad files are left out, and named.
    """
    found = [one for one in toml.every(names(), load) if one.nvml_name]
    found = [one for one in found if is_card(one, nvml_name, memory)]
    for number, one in enumerate(found):
        refuse_twin(FOLDER / f"{one.name}.toml", one, found[:number])
    if len(found) > 1 and not memory:
        several = ", ".join(one.name for one in found)
        raise WrongMachine(
            f"{nvml_name!r} is the name of several GPUs ({several}), and NVML does not say how"
            " much memory this one has",
            hint=f"Give its --profile: one of {several}.",
        )
    return min(found, key=lambda one: _factor(memory_bytes(one) or memory, memory), default=None)


def everything() -> list[Profile]:
    """Return all profiles, by name; bad files, and second ones of one card, are left out.

    Each that is left out is named once, on standard error.
    """
    found: list[Profile] = []

    def distinct(name: str) -> Profile:
        profile = load(name)
        refuse_twin(FOLDER / f"{name}.toml", profile, found)
        found.append(profile)
        return profile

    return toml.every(names(), distinct)


def chosen(name: str) -> Profile:
    """Return the profile that somebody asked for.

    Raises BadInput as ``load`` does, and where another profile is of the same card.
    """
    profile = load(name)
    file = FOLDER / f"{name}.toml"
    refuse_twin(file, profile, beside(file))
    return profile


def refuse_twin(file: Path, profile: Profile, others: Iterable[Profile]) -> None:
    """Raise BadInput where another profile is of the same name and memory."""
    if profile.nvml_name is None:
        return
    ours = memory_bytes(profile)
    for other in others:
        theirs = memory_bytes(other)
        if other.nvml_name != profile.nvml_name:
            continue
        if ours is None or theirs is None or _factor(ours, theirs) <= APART:
            raise BadInput(
                f"{file}: key 'nvml_name': {profile.nvml_name!r} is that of {other.name}.toml as"
                " well; one GPU has one profile",
                hint="For two GPUs of one name, give each its facts.nvml_memory_bytes.",
            )


def _factor(one: float | None, other: float | None) -> float:
    """Return how many times the larger is the smaller; 1 where either is unknown."""
    return max(one, other) / min(one, other) if one and other else 1.0
