"""What two cards' measurements had differently around the work: driver, limits, software."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from reports.text import phrases
from suite import units
from suite.results.record import Environment, Record

UNKNOWN = "not recorded"


class EnvironmentDifference(msgspec.Struct, frozen=True, kw_only=True):
    """One fact that is not the same on both sides, as text."""

    name: str
    ours: str
    theirs: str


class EnvironmentDiff(msgspec.Struct, frozen=True, kw_only=True):
    """What differs, and the names of what is the same and known."""

    differing: tuple[EnvironmentDifference, ...]
    same: tuple[str, ...]


def environment_diff(ours: Iterable[Record], theirs: Iterable[Record]) -> EnvironmentDiff:
    """Return how the surroundings of some records differ from those of others."""
    here, there = _facts(list(ours)), _facts(list(theirs))
    differing, same = [], []
    for name in dict.fromkeys([*here, *there]):
        one, other = (_text(side.get(name, set())) for side in (here, there))
        if one != other:
            differing.append(EnvironmentDifference(name=name, ours=one, theirs=other))
        elif one != UNKNOWN:
            same.append(f"{name} ({one})")
    return EnvironmentDiff(differing=tuple(differing), same=tuple(same))


def _text(values: set[str]) -> str:
    return phrases.short(", ".join(sorted(values))) or UNKNOWN


def _facts(records: Sequence[Record]) -> Mapping[str, set[str]]:
    """Return each fact's values over the records, in the order of the table."""
    found: dict[str, set[str]] = {}
    for record in records:
        for name, value in (*_machine(record.environment), *_software(record.environment)):
            values = found.setdefault(name, set())
            if value:
                values.add(value)
    return found


def _machine(environment: Environment) -> list[tuple[str, str]]:
    gpu = environment.gpu
    pairs = [
        ("CPU", f"{environment.cpu}, {environment.cpu_count} cores"),
        ("Host memory", units.bytes_(environment.memory_bytes)),
    ]
    if gpu is None:
        return pairs
    card = [
        ("GPU as NVML names it", gpu.name),
        ("Memory of the GPU", _known(gpu.memory_total_bytes, units.bytes_)),
        ("Driver", gpu.driver),
        ("Power limit", _known(gpu.power_limit_watts, _watts)),
        ("Default power limit", _known(gpu.power_limit_default_watts, _watts)),
        ("Highest SM clock", _known(gpu.sm_clock_max_mhz, _megahertz)),
        ("ECC", {True: "on", False: "off", None: ""}[gpu.ecc]),
        ("MIG", {True: "on", False: "off", None: ""}[gpu.mig]),
        ("PCIe", "" if gpu.pcie_width is None else f"{gpu.pcie_width} lanes"),
    ]
    return [*card, *pairs]


def _software(environment: Environment) -> list[tuple[str, str]]:
    container = environment.container
    revision = (environment.revision or "")[:12]
    pairs = [
        ("Suite", " ".join([environment.suite_version, revision]).strip()),
        ("Runner", environment.runner),
        ("Image", "" if container is None else container.image),
        ("Platform", environment.platform),
    ]
    versions = environment.versions
    if versions is None:
        return pairs
    pairs += [("Python", versions.python), ("CUDA of torch", versions.torch_cuda or "")]
    return [*pairs, *sorted(versions.packages.items())]


def _known(value: float | None, text: Callable[[float], str]) -> str:
    return "" if value is None else text(value)


def _watts(value: float) -> str:
    return f"{value:g} W"


def _megahertz(value: float) -> str:
    return f"{value:,.0f} MHz"
