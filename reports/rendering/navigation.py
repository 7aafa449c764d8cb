"""Five ways into a site, and the pages of each: what a reader asks, not what we have."""

from collections.abc import Container

import msgspec


class PageLink(msgspec.Struct, frozen=True, kw_only=True):
    """A page that is there once: its address from the site's root, and its name in its way."""

    address: str
    title: str


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """One way in: the first of its pages is where it leads."""

    title: str
    pages: tuple[PageLink, ...]

    def holds(self, address: str) -> bool:
        """Return whether a page is one of this way's."""
        return any(each.address == address for each in self.pages)


WAYS = (
    Way(title="Results", pages=(PageLink(address="index.html", title="Results"),)),
    Way(
        title="Plan a job",
        pages=(
            PageLink(address="plan.html", title="Time and cost"),
            PageLink(address="what-fits.html", title="What fits"),
        ),
    ),
    Way(title="Claims checked", pages=(PageLink(address="claims.html", title="Claims checked"),)),
    Way(
        title="How we measure",
        pages=(
            PageLink(address="how-it-was-measured.html", title="Method"),
            PageLink(address="how-far-to-trust-it.html", title="How far to trust it"),
        ),
    ),
    Way(
        title="Data",
        pages=(
            PageLink(address="all-results.html", title="All results"),
            PageLink(address="runs.html", title="Sessions"),
            PageLink(address="history.html", title="Changes over time"),
            PageLink(address="gpus.html", title="GPUs"),
        ),
    ),
)

#: At the end of the row: not a question about results, but how to bring some.
ASIDE = PageLink(address="add-your-gpu.html", title="Add your GPU")

#: The page whose way a page of one thing belongs to, by its folder.
PARENTS = {
    "models": "index.html",
    "card-against-card": "index.html",
    "gpus": "gpus.html",
    "diffs": "all-results.html",
    "records": "all-results.html",
}


def page_names() -> tuple[str, ...]:
    """Return the addresses of all pages that are there once, in their order."""
    return (*(each.address for way in WAYS for each in way.pages), ASIDE.address)


def ways(built: Container[str]) -> tuple[Way, ...]:
    """Return the ways with the pages that are built; a way without one is left out."""
    kept = (
        msgspec.structs.replace(way, pages=tuple(p for p in way.pages if p.address in built))
        for way in WAYS
    )
    return tuple(way for way in kept if way.pages)
