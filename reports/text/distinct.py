"""Names that tell things apart: as short as they can be, and no two of them alike."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence


def distinct(
    details: Mapping[str, Sequence[str]], name: Callable[[str, Sequence[str]], str]
) -> dict[str, str]:
    """Return a name for each key, made by ``name`` of the key and its details; no two alike.

    Each key has as many details, in an order. One that is not needed to tell namesakes apart is
    given as ""; the last must be another for each key.
    """
    used = {key: [""] * len(texts) for key, texts in details.items()}
    for place in range(max(map(len, details.values()), default=0)):
        names = {key: name(key, texts) for key, texts in used.items()}
        count = Counter(names.values())
        if max(count.values()) == 1:
            break
        alike: dict[str, list[str]] = {}
        for key, text in names.items():
            if count[text] > 1:
                alike.setdefault(text, []).append(key)
        for keys in alike.values():
            if len({details[key][place] for key in keys}) > 1:
                for key in keys:
                    used[key][place] = details[key][place]
    return {key: name(key, texts) for key, texts in used.items()}
