"""Which of many changes is it? Tests of parts of them, as few as that takes."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise


def minimize(changes: Sequence[str], reproduces: Callable[[Sequence[str]], bool]) -> list[str]:
    """Return a part of ``changes`` that still reproduces it; none of its own parts was seen to.

    Delta debugging (Zeller and Hildebrandt 2002): halves first, then smaller parts and what they
    leave. ``reproduces`` is asked about parts only, never about all or nothing, and never twice.
    """
    suspects, parts = list(changes), 2
    asked: dict[frozenset[str], bool] = {}

    def ask(part: Sequence[str]) -> bool:
        key = frozenset(part)
        if key not in asked:
            asked[key] = reproduces(part)
        return asked[key]

    while len(suspects) > 1:
        pieces = _split(suspects, parts)
        rests = [[name for name in suspects if name not in piece] for piece in pieces]
        if piece := next((each for each in pieces if ask(each)), None):
            suspects, parts = piece, 2
        elif parts > 2 and (rest := next((each for each in rests if ask(each)), None)):
            suspects, parts = rest, parts - 1
        elif parts < len(suspects):
            parts = min(len(suspects), 2 * parts)
        else:
            break
    return suspects


def first_bad_version(
    versions: Sequence[str], reproduces: Callable[[str], bool | None]
) -> tuple[str, list[str]]:
    """Return the first version that reproduces it, and those before it that may do so as well.

    The last does, and all after the first do. Of a version without an answer (None: it fails in
    another way) the nearest others are asked; with none left it is among the second.
    """
    low, high = 0, len(versions) - 1
    unknown = set[int]()
    while left := [n for n in range(low, high) if n not in unknown]:
        middle = min(left, key=lambda n: abs(n - (low + high) // 2))
        answer = reproduces(versions[middle])
        if answer is None:
            unknown.add(middle)
        elif answer:
            high = middle
        else:
            low = middle + 1
    return versions[high], list(versions[low:high])


def attempts(changes: int, versions: int = 1) -> int:
    """Return about how many attempts it takes to find one of so many changes and versions."""
    return 2 * _halvings(changes) + _halvings(versions)


def _halvings(count: int) -> int:
    return math.ceil(math.log2(max(count, 1)))


def _split(items: list[str], parts: int) -> list[list[str]]:
    size, more = divmod(len(items), parts)
    cuts = [n * size + min(n, more) for n in range(parts + 1)]
    return [items[begin:end] for begin, end in pairwise(cuts)]
