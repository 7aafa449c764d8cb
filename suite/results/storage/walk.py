"""Walk through a folder that strangers may have made: no link followed, no depth that hurts."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

MOST_DEPTH = 64
#: Of a path; the system takes some 4,096 with the file's name.
MOST_PATH_BYTES = 3500


def walk(
    top: Path, complain: Callable[[Path, str], None]
) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Yield (folder, names of its folders, names of its other entries), the top first.

    As with ``os.walk``, taking a name out of the folders keeps the walk out of it. ``complain``
    hears of what cannot be read and of what lies too deep.
    """
    waiting = [(top, 0)]
    while waiting:
        here, depth = waiting.pop()
        try:
            with os.scandir(here) as found:
                entries = [(entry.name, _is_folder(entry)) for entry in found]
        except OSError as error:
            complain(here, f"cannot be read: {error.strerror}")
            continue
        folders = [name for name, is_folder in entries if is_folder]
        yield here, folders, [name for name, is_folder in entries if not is_folder]
        for name in reversed(folders):
            below = here / name
            if below.is_symlink():
                continue
            if depth == MOST_DEPTH or len(os.fsencode(below)) > MOST_PATH_BYTES:
                complain(below, f"lies too deep: more than {MOST_DEPTH} folders, or a long path")
            else:
                waiting.append((below, depth + 1))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link in a circle
        return False
