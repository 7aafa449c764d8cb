"""Names that become paths and addresses: of models, methods, profiles, tiers, cases and runs.

Checked wherever one is read, so that no plan or record of a stranger can name a place.
"""

import re
from typing import Annotated

import msgspec

#: One part of a path that is not hidden, not "..", and the same on every system. Python's ``$``
#: also matches before a line's end at the end of the text; what follows it here refuses that.
_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._+-]*$(?!\n)"
LONGEST = 80
LONGEST_CASE = 240  #: two names and a suffix; with what is put before and after, a file's name

Name = Annotated[str, msgspec.Meta(pattern=_PATTERN, max_length=LONGEST)]
CaseId = Annotated[str, msgspec.Meta(pattern=_PATTERN, max_length=LONGEST_CASE)]
#: Owner and name on the hub. A library that is given a folder's path instead reads that folder.
HubId = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*$(?!\n)",
        max_length=2 * LONGEST,
    ),
]
Suffix = Annotated[
    str, msgspec.Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$(?!\n)", max_length=LONGEST // 2)
]

_RULE = "begins with a letter or digit and has letters, digits, '.', '_', '+' and '-' only"
_TEXTS = (
    f"Expected `str` matching regex {_PATTERN!r}",
    f"Expected `str` of length <= {LONGEST}",
    f"Expected `str` of length <= {LONGEST_CASE}",
)


def explained(error: msgspec.ValidationError, value: object) -> str:
    """Return msgspec's words, or of a bad name in ``value`` which one it is and what a name is."""
    said, _, place = str(error).partition(" - at `$")
    if said not in _TEXTS:
        return str(error)
    place = place.rstrip("`")
    found = value
    for key, index in re.findall(r"\.(\w+)|\[(\d+)\]", place):
        try:
            found = found[key] if key else found[int(index)]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            return str(error)
    if not isinstance(found, str):
        return str(error)
    shown = f"{found[:LONGEST]!r}{'…' if len(found) > LONGEST else ''}"
    longest = re.findall(r"\d+$", said)
    rule = f"has at most {longest[0]} characters" if longest else _RULE
    return f"key {place.lstrip('.')!r}: {shown} is no name: a name {rule}"
