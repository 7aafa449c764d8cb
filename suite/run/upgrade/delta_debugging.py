"""Which of many changes is it? Tests of parts of them, as few as that takes."""

from collections.abc import Callable, Sequence
from itertools import pairwise


def narrow(changes: Sequence[str], shows: Callable[[Sequence[str]], bool]) -> list[str]:
    """Return a part of ``changes`` that still shows it and none of whose own parts was seen to.

    Delta debugging (Zeller and Hildebrandt 2002): halves first, then smaller parts and what they
    leave. ``shows`` is asked about parts only, never about all or nothing, and never twice.
    """
    found, parts = list(changes), 2
    asked: dict[frozenset[str], bool] = {}

    def ask(part: Sequence[str]) -> bool:
        key = frozenset(part)
        if key not in asked:
            asked[key] = shows(part)
        return asked[key]

    while len(found) > 1:
        pieces = _split(found, parts)
        rests = [[name for name in found if name not in piece] for piece in pieces]
        if piece := next((each for each in pieces if ask(each)), None):
            found, parts = piece, 2
        elif parts > 2 and (rest := next((each for each in rests if ask(each)), None)):
            found, parts = rest, parts - 1
        elif parts < len(found):
            parts = min(len(found), 2 * parts)
        else:
            break
    return found


def first_that_shows(versions: Sequence[str], shows: Callable[[str], bool]) -> str:
    """Return the first version that shows it: the last is known to, and all after the first do."""
    low, high = 0, len(versions) - 1
    while low < high:
        middle = (low + high) // 2
        if shows(versions[middle]):
            high = middle
        else:
            low = middle + 1
    return versions[high]


def _split(items: list[str], parts: int) -> list[list[str]]:
    size, more = divmod(len(items), parts)
    cuts = [n * size + min(n, more) for n in range(parts + 1)]
    return [items[begin:end] for begin, end in pairwise(cuts)]
