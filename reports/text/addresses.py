"""File names for pages of one profile: a profile's name comes out of strangers' records."""

import hashlib
import re

_PLAIN = re.compile("[a-z0-9]+(?:-[a-z0-9]+)*")
_MADE = re.compile("other-[0-9a-f]{16}")
LONGEST = 64


def stem(profile: str) -> str:
    """Return a file's name without its ending, another one for every profile.

    Names such as the catalog's stay as they are. Any other becomes a digest: it might leave the
    folder, or be the same file as another where case does not count. No stem has "--" in it.
    """
    plain = len(profile) <= LONGEST and _PLAIN.fullmatch(profile)
    if plain and not _MADE.fullmatch(profile):
        return profile
    # A lone surrogate can come out of a stranger's JSON and has no UTF-8.
    digest = hashlib.sha256(profile.encode("utf-8", "surrogatepass")).hexdigest()
    return f"other-{digest[:16]}"


def gpu_page(profile: str) -> str:
    """Return the address of a profile's page, from the site's root."""
    return f"gpus/{stem(profile)}.html"


def pair_name(ours: str, theirs: str) -> str:
    """Return the file's name of the page that sets one profile against another."""
    return f"{stem(ours)}--{stem(theirs)}.html"


def pair_page(ours: str, theirs: str) -> str:
    """Return the address of that page, from the site's root."""
    return f"card-against-card/{pair_name(ours, theirs)}"
