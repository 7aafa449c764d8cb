"""Which changed packages go together: one that needs another's new version brings it along."""

from collections.abc import Collection, Iterator, Mapping

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from suite.run.upgrade.left_out import Needs, holding, met

#: Two packages of one project that are released for each other: the first names the second's
#: lowest version, and is not made for a later one.
TOGETHER = (("unsloth", "unsloth-zoo"),)

Side = Mapping[str, str]  #: version by normalized name


def with_companions(
    names: Collection[str],
    sides: tuple[Side, Side],
    needs: tuple[Needs, Needs],
    markers: Mapping[str, str],
) -> frozenset[str]:
    """Return ``names`` and what must change with them, so that no requirement is broken by it.

    ``sides`` are the packages of base and candidate, ``needs`` the requirements of those that
    differ. A part taken alone would often fail, and not as the whole does: a package beside a
    dependency that is too old for it, or one that the rest cannot stand.
    """
    base, candidate = sides
    changed = {n for n in {*base, *candidate} if base.get(n) != candidate.get(n)}
    moved = set(names)
    while True:
        more = {
            other if name in moved else name
            for name in changed
            for other, requirement in _of(needs[name in moved].get(name, ()), markers)
            if other in changed
            and (other in moved) != (name in moved)
            and not _met(requirement, (base, candidate)[other in moved].get(other))
        }
        more |= {name for pair in TOGETHER if moved & {*pair} for name in pair if name in changed}
        if more <= moved:
            return frozenset(moved)
        moved |= more


def _of(lines: Collection[str], markers: Mapping[str, str]) -> Iterator[tuple[str, Requirement]]:
    return ((canonicalize_name(each.name), each) for each in holding(lines, markers))


def unmet(lines: Collection[str], there: Side, markers: Mapping[str, str]) -> list[str]:
    """Return the requirements that ``there`` does not meet."""
    return [str(found) for name, found in _of(lines, markers) if not _met(found, there.get(name))]


def name_of(line: str) -> str:
    """Return the normalized name of the package that a requirement is about."""
    return canonicalize_name(Requirement(line).name)


def _met(requirement: Requirement, version: str | None) -> bool:
    return version is not None and met(requirement.specifier, version)
