"""Put a report in place: made beside, then swapped. Only what a report made is ever removed.

Where it is made has a name of its own, which whoever makes it holds: so what a killed report left
is told from what another one makes just now, and the next report removes it.
"""

import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from suite import __version__
from suite.errors import BadInput, WrongMachine
from suite.results.storage.folder import Folder, open_folder, split

#: In a site: the version that made it, then all else in it, a line each, folders with a slash.
MARKER = "tunebench-site"
MOST_MARKER_BYTES = 64 << 20
_SHOWN = 3  #: of what a report did not make, named in the message
_ANOTHER = "Give another --out: {} that is missing, or an earlier report."


@contextmanager
def new_site(site: Path) -> Iterator[Folder]:
    """Yield the folder to make a site in; it takes the place of ``site`` afterwards.

    ``site`` may be missing, empty, or an earlier report and nothing else; it stays as it was when
    the block raises. Raises BadInput when anything else is there, WrongMachine when it cannot be
    written.
    """
    with _above(site) as (above, name):
        _sweep(above, name)
        _refuse_foreign(above, name)
        temporary = f".{name}.{secrets.token_hex(4)}"
        new, old = f"{temporary}.part", f"{temporary}.old"
        with above.held():
            fresh = above.make(new)
            mark = fresh.locked(MARKER)
        try:
            with fresh:
                fresh.put(MARKER, f"{__version__}\n".encode())
                yield fresh
                made = "".join(f"{each}\n" for each in _listed(fresh))
                fresh.put(MARKER, f"{__version__}\n{made}".encode())
            with above.held():
                _refuse_foreign(above, name)  # once more: that took a while
                _swap(above, name, new, old)
        finally:
            above.remove(new)
            os.close(mark)
        if above.kind(old) is not None:
            _clear(above, old)


def new_file(place: Path, content: bytes, *, replace: bool) -> None:
    """Write one file, whole or not at all; ``place`` may be missing.

    Raises BadInput when anything is there that it does not ``replace``, WrongMachine when it
    cannot be written.
    """
    with _above(place) as (above, name):
        _sweep(above, name)
        new = f".{name}.{secrets.token_hex(4)}.part"
        with above.held():
            held = above.locked(new)
        try:
            above.put(new, content)
            os.fsync(held)
            with above.held():
                if above.kind(name) is not None and not replace:
                    raise BadInput(f"{place}: exists already", hint="Give another --out.")
                above.rename(new, name)
        finally:
            above.unlink(new)
            os.close(held)


def refuse_foreign_site(site: Path) -> None:
    """Raise BadInput where something is in a site's place that no report made; say what."""
    with _above(site) as (above, name):
        _refuse_foreign(above, name)


def refuse_foreign_file(place: Path, mark: bytes) -> None:
    """Raise BadInput where a file's place holds no report, which begins with ``mark`` in it."""
    with _above(place) as (above, name):
        kind = above.kind(name)
        if kind is None:
            return
        _refuse_link(place, kind, "file")
        hint = _ANOTHER.format("a file")
        if not stat.S_ISREG(kind.st_mode):
            what = "a folder" if stat.S_ISDIR(kind.st_mode) else "no plain file"
            raise BadInput(f"{place}: {what} is there already", hint=hint)
        if mark not in above.read(name, 4096):
            raise BadInput(f"{place}: is no earlier report", hint=hint)


@contextmanager
def _above(place: Path) -> Iterator[tuple[Folder, str]]:
    """Yield the folder that a report's place is in, made where it is missing, and its name."""
    try:
        folder, name = split(place)
        with open_folder(folder, make=True) as above:
            yield above, name
    except OSError as error:
        hint = "Free space, make it writable, or give another --out."
        raise WrongMachine(f"{place}: cannot be written: {error.strerror}", hint=hint) from error


def _refuse_foreign(above: Folder, name: str) -> None:
    kind, site = above.kind(name), above.path / name
    if kind is None:
        return
    _refuse_link(site, kind, "folder")
    if not stat.S_ISDIR(kind.st_mode):
        raise BadInput(f"{site}: a file is there already", hint="Give another --out.")
    with above.folder(name, make=False) as folder:
        own = _own(folder)
        foreign = [each for each in _listed(folder) if each not in own]
    if not foreign:
        return
    if not own:
        raise BadInput(
            f"{site}: has other files and is no earlier report",
            hint="Give another --out: a folder that is missing, empty, or an earlier report.",
        )
    if own == {MARKER}:
        raise BadInput(
            f"{site}: a report of an older tunebench, which kept no list of its files: nobody"
            " knows what else is in it",
            hint="Look through it and remove it, or give another --out.",
        )
    more = f" and {len(foreign) - _SHOWN:,} more" if len(foreign) > _SHOWN else ""
    raise BadInput(
        f"{site}: there is what no report made: {', '.join(foreign[:_SHOWN])}{more}",
        hint="Move that elsewhere, or give another --out.",
    )


def _refuse_link(place: Path, kind: os.stat_result, noun: str) -> None:
    if stat.S_ISLNK(kind.st_mode):
        raise BadInput(
            f"{place}: a link, through which nothing is written",
            hint=f"Give the {noun} that it links to, or another --out.",
        )


def _own(folder: Folder) -> frozenset[str]:
    """Return what of a folder a report made, by its list; nothing where there is none.

    No report makes a name that begins with a dot, so a list that has one, such as ``.git/``, lies.
    """
    if folder.kind(MARKER) is None:
        return frozenset()
    text = folder.read(MARKER, MOST_MARKER_BYTES).decode("utf-8", errors="replace")
    return frozenset({MARKER, *(each for each in text.splitlines()[1:] if each[:1] != ".")})


def _listed(folder: Folder) -> list[str]:
    """Return what is in a folder as a site's list has it; what a site cannot hold ends otherwise.

    A folder in one of its folders is not looked into: no report makes one.
    """
    names = []
    for name in folder.names():
        kind = folder.kind(name)
        if kind is None or name == MARKER:
            continue
        names.append(name + _ending(kind))
        if stat.S_ISDIR(kind.st_mode):
            with folder.folder(name, make=False) as inner:
                for each in inner.names():
                    if (what := inner.kind(each)) is not None:
                        names.append(f"{name}/{each}{_ending(what)}")
    return names


def _ending(kind: os.stat_result) -> str:
    if stat.S_ISDIR(kind.st_mode):
        return "/"
    return "" if stat.S_ISREG(kind.st_mode) else " (no plain file)"


def _swap(above: Folder, name: str, new: str, old: str) -> None:
    before = above.kind(name) is not None
    if before:
        above.rename(name, old)
    try:
        above.rename(new, name)
    except OSError:
        if before:
            above.rename(old, name)
        raise


def _clear(above: Folder, name: str) -> None:
    """Remove a site, file by file of its list; raises BadInput where something else is left."""
    with above.folder(name, make=False) as folder:
        own = _own(folder)
        for each in folder.names():
            if f"{each}/" in own:
                with folder.folder(each, make=False) as inner:
                    for file in inner.names():
                        if f"{each}/{file}" in own:
                            inner.unlink(file)
                with suppress(OSError):
                    folder.remove_empty(each)
            elif each in own and each != MARKER:
                folder.unlink(each)
        if left := set(folder.names()) - {MARKER}:
            raise BadInput(f"{above.path / name}: kept, no report made {', '.join(sorted(left))}")
        folder.unlink(MARKER)
    above.remove_empty(name)


def _sweep(above: Folder, name: str) -> None:
    """Remove what killed reports left beside a place; a site cut off in its swap goes back."""
    leftover = re.compile(rf"\.{re.escape(name)}\.[0-9a-f]{{8}}\.(part|old)")
    with above.held():
        for left in filter(leftover.fullmatch, above.names()):
            kind = above.kind(left)
            if kind is None or kind.st_uid != os.geteuid():
                continue
            with suppress(OSError, BadInput):  # in use, or no report's
                if stat.S_ISDIR(kind.st_mode):
                    _sweep_site(above, left, name)
                else:
                    os.close(above.locked(left))
                    above.unlink(left)


def _sweep_site(above: Folder, left: str, name: str) -> None:
    with above.folder(left, make=False) as folder:
        if folder.kind(MARKER) is None:
            above.remove_empty(left)
            return
        mark = folder.locked(MARKER)
    try:
        if left.endswith(".part"):
            above.remove(left)
        elif above.kind(name) is None:
            above.rename(left, name)
        else:
            _clear(above, left)
    finally:
        os.close(mark)
