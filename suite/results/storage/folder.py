"""The only place that opens files of a run, a site or published results for writing.

A result folder can come from a stranger. A link in it would let whoever made it choose what is
written to or removed, so no link is followed here, nor a second name of a file (hard link): every
file is opened by its bare name, relative to a folder that is held open.
"""

import errno
import fcntl
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from suite.errors import BadInput, WrongMachine
from suite.results.storage.refuse import link, refuse_irregular, refuse_other_user, refuse_strange

#: What opening a link, or what is no plain file, ends with; which one depends on the system.
_NOT_PLAIN = {errno.ELOOP, errno.EMLINK, errno.ENXIO, errno.EISDIR, errno.ENOTDIR}
_NO_SYNC = {errno.EINVAL, errno.ENOTSUP}  #: of a file system that syncs no folder
_MODE = 0o644


class Folder:
    """A folder held open; a context manager. Names are those of entries, never paths.

    Whatever is written lies on the disk when the call returns, its entry in the folder as well,
    but for ``put``. Each call raises BadInput where a link or no plain file is in its way, and
    OSError where the system refuses.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path  #: for messages
        self._descriptor = descriptor

    def append(self, name: str, content: bytes) -> None:
        """Add to a file, made where it is missing; one that could not take all is as before."""
        with self._opened(name, os.O_WRONLY | os.O_APPEND | os.O_CREAT) as descriptor:
            before = os.fstat(descriptor).st_size
            try:
                _write_all(descriptor, content)
                os.fsync(descriptor)
            except OSError:
                os.ftruncate(descriptor, before)
                raise
        if before == 0:  # it may be new
            self.sync()

    def write(self, name: str, content: bytes) -> None:
        """Write a file anew: at each moment there is the whole old one or the whole new one."""
        _refuse_path(name)
        part = f".{name}.part"
        self.unlink(part)
        with self._opened(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL) as descriptor:
            _write_all(descriptor, content)
            os.fsync(descriptor)
        os.rename(part, name, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)
        self.sync()

    def create(self, name: str, content: bytes, *, private: bool = False) -> None:
        """Write a file that is not there yet; raises FileExistsError where anything is.

        A ``private`` one only its owner can read.
        """
        with self._opened(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL) as descriptor:
            if private:
                os.fchmod(descriptor, 0o600)
            _write_all(descriptor, content)
            os.fsync(descriptor)
        self.sync()

    def put(self, name: str, content: bytes) -> None:
        """Write one of many files that can be made again: in place, left to the system to sync."""
        with self._opened(name, os.O_WRONLY | os.O_CREAT) as descriptor:
            os.ftruncate(descriptor, 0)
            _write_all(descriptor, content)

    def read(self, name: str, most: int = -1) -> bytes:
        """Return a file's content, of a longer one its first ``most`` bytes."""
        with (
            self._opened(name, os.O_RDONLY) as descriptor,
            os.fdopen(descriptor, "rb", closefd=False) as file,
        ):
            return file.read(most)

    def cut(self, name: str, size: int) -> None:
        """Leave the first ``size`` bytes of a file."""
        with self._opened(name, os.O_WRONLY) as descriptor:
            os.ftruncate(descriptor, size)
            os.fsync(descriptor)

    def remove(self, name: str) -> None:
        """Remove a file, a link itself, or a folder with all in it; nothing where none is."""
        kind = self.kind(name)
        if kind is not None and stat.S_ISDIR(kind.st_mode):
            try:
                shutil.rmtree(name, dir_fd=self._descriptor)
            except RecursionError:  # a stranger's folder can be as deep as it likes
                raise OSError(errno.ENAMETOOLONG, "Folders nested too deeply") from None
        else:
            self.unlink(name)

    def unlink(self, name: str) -> None:
        """Remove a file, or a link itself; nothing where none is."""
        _refuse_path(name)
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self._descriptor)

    def remove_empty(self, name: str) -> None:
        """Remove a folder without anything in it; raises OSError for any other."""
        _refuse_path(name)
        os.rmdir(name, dir_fd=self._descriptor)

    def rename(self, name: str, to: str, *, into: "Folder | None" = None) -> None:
        """Give an entry another name, in this folder or ``into`` another one of its disk."""
        _refuse_path(name)
        _refuse_path(to)
        target = into or self
        os.rename(name, to, src_dir_fd=self._descriptor, dst_dir_fd=target._descriptor)
        target.sync()

    def folder(self, name: str, *, make: bool = True) -> "Folder":
        """Return a folder of this one, made where it is missing."""
        _refuse_path(name)
        if make:
            with suppress(FileExistsError):
                os.mkdir(name, dir_fd=self._descriptor)
                self.sync()
        return Folder(self.path / name, self._directory(name))

    def make(self, name: str) -> "Folder":
        """Return a new folder of this one; raises FileExistsError where anything is there."""
        _refuse_path(name)
        os.mkdir(name, dir_fd=self._descriptor)
        self.sync()
        return Folder(self.path / name, self._directory(name))

    def names(self) -> list[str]:
        """Return the names of what is here, sorted."""
        return sorted(os.listdir(self._descriptor))  # noqa: PTH208 - it is no path

    def kind(self, name: str) -> os.stat_result | None:
        """Return what an entry is, of a link itself; None where there is none."""
        _refuse_path(name)
        try:
            return os.stat(name, dir_fd=self._descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def itself(self) -> os.stat_result:
        """Return what the folder is."""
        return os.fstat(self._descriptor)

    def locked(self, name: str) -> int:
        """Return the descriptor of a file that is held for this process, made where missing.

        Closing it lets go, and so does the end of the process. Raises BlockingIOError where
        another one holds it.
        """
        descriptor = self._open(name, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise
        return descriptor

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep others who call this away from the folder, where its file system can."""
        with suppress(OSError):  # NFS locks no folder
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        try:
            yield
        finally:
            with suppress(OSError):
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    @property
    def idle(self) -> bool:
        """Return whether nobody holds the folder, as ``held`` does."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        return True

    def refuse_strangers(self, *below: str) -> None:
        """Raise BadInput where somebody else made the folder, or chose where its names lead.

        Looks at the folder, at everything in it, and at everything in its folders ``below``.
        """
        refuse_other_user(self.path, self.itself(), self.path)
        for name in self.names():
            if (kind := self.kind(name)) is not None:
                refuse_strange(self.path / name, kind, self.path)
        for name in below:
            kind = self.kind(name)
            if kind is not None and stat.S_ISDIR(kind.st_mode):
                with self.folder(name, make=False) as inner:
                    inner.refuse_strangers()

    def sync(self) -> None:
        """Bring the folder's entries to the disk, so that a new file outlasts a power cut."""
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            if error.errno not in _NO_SYNC:
                raise

    def close(self) -> None:
        """Let go of the folder; a second call does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _opened(self, name: str, flags: int) -> Iterator[int]:
        descriptor = self._open(name, flags)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _open(self, name: str, flags: int) -> int:
        _refuse_path(name)
        # Without waiting: a pipe that nobody reads would hold us for ever.
        flags |= os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            descriptor = os.open(name, flags, _MODE, dir_fd=self._descriptor)
        except OSError as error:
            if error.errno in _NOT_PLAIN and (kind := self.kind(name)) is not None:
                refuse_irregular(self.path / name, kind)
            raise
        try:
            refuse_irregular(self.path / name, os.fstat(descriptor))
        except BadInput:
            os.close(descriptor)
            raise
        return descriptor

    def _directory(self, name: str) -> int:
        _refuse_path(name)
        return _directory(self.path / name, name, self._descriptor)


def open_folder(path: Path, *, make: bool = False) -> Folder:
    """Open a folder that somebody named, made with those above it where it is missing.

    What is above may be links: whoever names the folder knows them. Raises BadInput where the
    folder itself is one, and OSError where the system refuses.
    """
    if make and not os.path.lexists(path):
        path.mkdir(parents=True, exist_ok=True)
        with suppress(PermissionError), open_folder(Path(os.path.realpath(path.parent))) as above:
            above.sync()
    return Folder(path, _directory(path, path, None))


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say what could not be written where the system refuses: WrongMachine for each OSError."""
    try:
        yield
    except OSError as error:
        raise WrongMachine(
            f"{path}: cannot be written: {error.strerror}",
            hint="Free space, make it writable, or give another folder.",
        ) from error


def split(path: Path) -> tuple[Path, str]:
    """Return the folder of what a path names, links on the way followed, and its name there.

    Raises BadInput for the root, which is in no folder.
    """
    if path.name in ("", ".."):
        path = Path(os.path.realpath(path))
    if not path.name:
        raise BadInput(f"{path}: nothing can be written in its place")
    return Path(os.path.realpath(path.parent)), path.name


def _directory(path: Path, name: Path | str, within: int | None) -> int:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(name, flags, dir_fd=within)
    except OSError as error:
        if error.errno in _NOT_PLAIN and path.is_symlink():
            hint = "" if within is not None else "Give the folder that it links to."
            raise link(path, hint) from error
        raise


def _refuse_path(name: str) -> None:
    if "/" in name or name in ("", ".", ".."):
        raise ValueError(f"{name!r} is no name of an entry")


def _write_all(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
