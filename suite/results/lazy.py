"""Long values out of the way: packed when read, unpacked again when somebody looks into one.

Telemetry is three quarters of a record and nine tenths of its memory, while most tables need a few
numbers from it. So a collection keeps it packed, and that of thousands of records on disk.
"""

import os
import tempfile
from collections.abc import Callable
from typing import Any, BinaryIO

#: Packed bytes that stay in memory; what comes later goes to an unnamed temporary file.
MOST_HELD_BYTES = 32 << 20
#: A smaller value is not worth packing.
LEAST_BYTES = 4 << 10
#: Values that were looked into last stay unpacked.
MOST_UNPACKED = 16


class SpillStore:
    """Where packed values lie. A forked copy of the process reads it as well."""

    def __init__(self) -> None:
        self._held = 0
        self._file: BinaryIO | None = None
        self._end = 0
        self._unpacked: dict[Lazy, Any] = {}

    def put(self, packed: bytes, unpack: Callable[[bytes], Any]) -> "Lazy":
        """Return what stands for the value that ``unpack`` makes of ``packed``."""
        if self._held + len(packed) > MOST_HELD_BYTES and (place := self._written(packed)):
            return Lazy(self, place, unpack)
        self._held += len(packed)
        return Lazy(self, packed, unpack)

    def _written(self, packed: bytes) -> tuple[int, int] | None:
        """Return offset and length in the file, None where the disk does not take it."""
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
            written = os.pwrite(self._file.fileno(), packed, self._end)
        except OSError:  # then it stays in memory
            return None
        if written < len(packed):
            return None
        place = (self._end, written)
        self._end += written
        return place

    def value(self, lazy: "Lazy", place: bytes | tuple[int, int]) -> Any:
        """Return a lazy value, unpacked."""
        if lazy not in self._unpacked:
            packed = place if isinstance(place, bytes) else self._read(*place)
            if len(self._unpacked) >= MOST_UNPACKED:
                del self._unpacked[next(iter(self._unpacked))]
            self._unpacked[lazy] = lazy.unpack(packed)
        return self._unpacked[lazy]

    def _read(self, offset: int, length: int) -> bytes:
        assert self._file is not None
        return os.pread(self._file.fileno(), length, offset)


class Lazy:
    """Stands for a value: has its attributes, equals what it equals. msgspec does not know it.

    So a record that holds one is encoded with ``record.encode`` or ``enc_hook=loaded``.
    """

    __slots__ = ("_place", "_store", "unpack")

    def __init__(
        self, store: SpillStore, place: bytes | tuple[int, int], unpack: Callable[[bytes], Any]
    ) -> None:
        self._store, self._place, self.unpack = store, place, unpack

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store.value(self, self._place), name)

    def __eq__(self, other: object) -> bool:
        return self is other or bool(resolve(self) == resolve(other))

    __hash__ = object.__hash__  # by identity, for ``SpillStore`` alone

    def __repr__(self) -> str:
        return repr(resolve(self))


def resolve(value: Any) -> Any:
    """Return the value that a lazy one stands for, any other as it is."""
    if type(value) is Lazy:
        return value._store.value(value, value._place)
    return value
