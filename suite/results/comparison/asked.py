"""Packages that ``upgrade-check`` gave the two sides, and whether any case imported them.

What was upgraded is not always what ran: on a CPU no worker imports TRL. The plans say what was
asked for, the records what was imported.
"""

from collections.abc import Iterable, Iterator
from itertools import chain

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from suite.results.comparison.report import AskedPackage
from suite.results.plan import Plan
from suite.results.record import Record
from suite.results.storage.reader import Collection
from suite.results.validity.comparable import NOT_SET

VERB = "upgrade-check"


def asked(base: Collection, candidate: Collection) -> Iterator[AskedPackage]:
    """Yield the packages that were given to one side or the other in different versions.

    "none" stands for a side that kept the version of its environment.
    """
    ours, theirs = _given(base.plans), _given(candidate.plans)
    different = sorted(n for n in {*ours, *theirs} if ours.get(n) != theirs.get(n))
    imported = _imported(chain(base.records, candidate.records)) if different else None
    for name in different:
        yield AskedPackage(
            name=name,
            base=ours.get(name, NOT_SET),
            candidate=theirs.get(name, NOT_SET),
            imported=None if imported is None else name in imported,
        )


def _given(plans: Iterable[Plan]) -> dict[str, str]:
    """Return the versions that a side was given, by normalized name."""
    found: dict[str, str] = {}
    for plan in plans:
        for text in plan.argv[1:] if plan.argv[:1] == (VERB,) else ():
            try:
                pin = Requirement(text)
            except InvalidRequirement:  # a stranger's plan
                continue
            found[canonicalize_name(pin.name)] = str(pin.specifier).removeprefix("==")
    return found


def _imported(records: Iterable[Record]) -> frozenset[str] | None:
    """Return the packages that any worker imported; None where the records do not say it all."""
    found = set[str]()
    known = False
    for record in records:
        if (versions := record.environment.versions) is not None:
            known = known or bool(versions.imported)
            found.update(map(canonicalize_name, (*versions.packages, *versions.imported)))
    return frozenset(found) if known else None
