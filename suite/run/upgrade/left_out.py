"""What an upgrade asks for and does not get: PyTorch's build, and what only that needs.

Versions are laid over an environment whose PyTorch stays. What belongs to its build cannot be
exchanged so: CUDA libraries are found beside PyTorch, whatever lies before them on the path.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from suite.errors import BadInput
from suite.paths import ROOT

EXCLUDED = ROOT / "requirements" / "excluded.txt"
TORCH = "torch"
#: Distributions of CUDA's parts; the exception reads the driver and is the suite's own.
_CUDA = ("nvidia-", "cuda-")
_NOT_CUDA = frozenset({"nvidia-ml-py"})

Needs = Mapping[str, Sequence[str]]  #: requirements of packages, by normalized name


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """A version that was asked for or needed, and is not taken; ``why`` says it in words."""

    name: str
    version: str
    why: str


def excluded() -> dict[str, str]:
    """Return the packages that are left out on purpose, each with its reason."""
    found: dict[str, str] = {}
    for line in EXCLUDED.read_text(encoding="utf-8").splitlines():
        name, _, why = line.partition("#")
        if name.strip():
            found[canonicalize_name(name.strip())] = why.strip()
    return found


def of_lock(locked: Mapping[str, str], named: Collection[str]) -> list[LeftOut]:
    """Return what of a lock's versions is not taken; ``named`` was asked for by its name."""
    reasons = excluded()
    found = []
    for name, version in sorted(locked.items()):
        cuda = name.startswith(_CUDA) and name not in _NOT_CUDA
        why = "PyTorch finds its CUDA libraries beside itself" if cuda else reasons.get(name)
        if why is not None and name not in named:
            found.append(LeftOut(name=name, version=version, why=why))
    return found


def of_resolved(
    found: Mapping[str, str],
    needs: Needs,
    roots: Sequence[Requirement],
    markers: Mapping[str, str],
) -> list[LeftOut]:
    """Return what pip found and is not taken: excluded packages, and what only they need.

    ``needs`` are the requirements of all packages, found and there already.
    """
    named = {canonicalize_name(root.name) for root in roots}
    reasons = {name: why for name, why in excluded().items() if name not in named}
    wanted = _reachable(roots, needs, reasons.keys(), markers)
    left = []
    for name, version in sorted(found.items()):
        if name in reasons:
            left.append(LeftOut(name=name, version=version, why=reasons[name]))
        elif name not in wanted:
            why = "only what is left out needs it"
            left.append(LeftOut(name=name, version=version, why=why))
    return left


def refuse_another_torch(asked: Mapping[str, str], there: Mapping[str, str]) -> None:
    """Raise BadInput where another PyTorch than the one there is asked for by name."""
    if TORCH in asked and asked[TORCH] != there.get(TORCH):
        raise BadInput(
            f"torch {there.get(TORCH, 'none')} → {asked[TORCH]}: another PyTorch cannot be laid"
            " over this one, its CUDA libraries and what is compiled for it belong together",
            hint="Compare two images (--base-image, --candidate-image), or take its line out.",
        )


def refuse_unmet_torch(
    taken: Collection[str], needs: Needs, there: Mapping[str, str], markers: Mapping[str, str]
) -> None:
    """Raise BadInput where a package that is taken needs another PyTorch than the one there."""
    here = there.get(TORCH)
    if here is None:
        return
    for name in sorted(taken):
        for each in holding(needs.get(name, ()), markers):
            if canonicalize_name(each.name) != TORCH:
                continue
            if not met(each.specifier, here):
                raise BadInput(
                    f"{name} needs {each}, and torch {here} is there: another PyTorch cannot be"
                    " laid over it",
                    hint="Compare two images: --base-image, --candidate-image.",
                )


def sentences(left: Iterable[LeftOut]) -> list[str]:
    """Return what is left out and why, a sentence for each reason."""
    by_reason: dict[str, list[str]] = {}
    for each in left:
        by_reason.setdefault(each.why, []).append(f"{each.name} {each.version}")
    return [f"Left out: {', '.join(names)} ({why})." for why, names in by_reason.items()]


def _reachable(
    roots: Sequence[Requirement],
    needs: Needs,
    without: Collection[str],
    markers: Mapping[str, str],
) -> set[str]:
    """Return the packages that the roots need on ways that lead through none of ``without``."""
    seen: set[tuple[str, str]] = set()
    waiting = list(roots)
    while waiting:
        root = waiting.pop()
        name = canonicalize_name(root.name)
        if name in without:
            continue
        for extra in ("", *root.extras):
            if (name, extra) not in seen:
                seen.add((name, extra))
                waiting += holding(needs.get(name, ()), markers, extra)
    return {name for name, _ in seen}


def holding(
    lines: Iterable[str], markers: Mapping[str, str], extra: str = ""
) -> list[Requirement]:
    """Return the requirements whose markers hold, with this extra."""
    told = {**markers, "extra": extra}
    read = [Requirement(line) for line in lines]
    return [each for each in read if each.marker is None or each.marker.evaluate(told)]


def met(specifier: SpecifierSet, version: str) -> bool:
    """Return whether a version will do; one before a release is one like others."""
    return specifier.contains(version, prereleases=True)
