"""Which installed distributions a process imported something of.

``importlib.metadata.packages_distributions`` answers the same and reads every file of every
distribution, half a second each time; names that are alike on both sides need no look.
"""

from collections.abc import Iterable
from importlib import metadata


def distributions(modules: Iterable[str], path: Iterable[str]) -> dict[str, str]:
    """Return name and version of each distribution on ``path`` with a module among ``modules``.

    Of two with one name the first on the path counts, as for an import.
    """
    tops = {name.partition(".")[0] for name in modules}
    alike = {name.lower() for name in tops}
    found: dict[str, str] = {}
    seen = set[str]()
    for each in metadata.distributions(path=list(path)):
        name = each.name
        if name in seen:
            continue
        seen.add(name)
        if name.lower().replace("-", "_") in alike or not tops.isdisjoint(_modules(each)):
            found[name] = each.version
    return found


def _modules(distribution: metadata.Distribution) -> set[str]:
    """Return the names at the top of what a distribution installed."""
    listed = distribution.read_text("top_level.txt")
    if listed is not None:
        return set(listed.split())
    lines = (distribution.read_text("RECORD") or "").splitlines()
    return {line.partition(",")[0].partition("/")[0].partition(".")[0] for line in lines}
