"""Read one kind of catalog file, and say exactly what is wrong with a bad one.

Such a file may come from a stranger, so reading is bounded: plain files of some hundred kilobytes,
nested no deeper than a catalog needs, with numbers that a machine has.
"""

import math
import os
import re
import stat
import tomllib
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from suite.catalog.explain import explained
from suite.errors import BadInput, SuiteError, did_you_mean, left_out

T = TypeVar("T")

MAX_BYTES = 256 << 10  #: the largest of ours has 6 kB; the time to parse grows with the square
MAX_DEPTH = 16
#: A key of more parts than that, whose time and memory in tomllib grow with their square.
_DOTTED = re.compile(
    rb"""(?<![\w-])(?:(?:[\w-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){%d}"""
    % (MAX_DEPTH + 1)
)


def names(folder: Path) -> list[str]:
    """Return the names of a folder's entries, sorted. Reads no file."""
    return sorted(path.stem for path in folder.glob("*.toml"))


def load(folder: Path, name: str, kind: type[T], *, noun: str) -> T:
    """Read ``folder/name.toml`` as a ``kind``.

    Raises BadInput for an unknown name, TOML that does not parse, an unknown key, a missing key,
    a value of the wrong type and whatever the struct's own ``__post_init__`` refuses.
    """
    path = folder / f"{name}.toml"
    if name not in names(folder):
        raise BadInput(f"unknown {noun} {name!r}", hint=did_you_mean(name, names(folder)))
    return read(path, kind)


def every(wanted: Iterable[str], made: Callable[[str], T]) -> list[T]:
    """Return what is made of each name, without those whose file is bad.

    One slip then stops nothing that does not need it; each is named once, on standard error.
    """
    found = []
    for name in wanted:
        try:
            found.append(made(name))
        except SuiteError as error:
            left_out(error)
    return found


def read(path: Path, kind: type[T]) -> T:
    """Read one TOML file as a ``kind``; the entry's ``name`` is the file's."""
    data = parsed(path)
    if "name" in data:
        raise BadInput(f"{path}: key 'name': the file's name is the name; remove the key")
    _refuse_unknown_keys(path, data, kind)
    value = {**data, "name": path.stem}
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise BadInput(f"{path}: {explained(error, kind, value)}") from error


def parsed(path: Path) -> dict[str, Any]:
    """Return a TOML file as plain values; raises BadInput for what is none, or beyond bounds."""
    content = _content(path)
    try:
        if _DOTTED.search(content):
            raise ValueError(f"nested more than {MAX_DEPTH} deep")
        data = tomllib.loads(content.decode("utf-8"))
        _refuse_beyond(data, MAX_DEPTH)
    except RecursionError as error:
        raise BadInput(f"{path}: not valid TOML: nested more than {MAX_DEPTH} deep") from error
    except ValueError as error:  # what tomllib and UnicodeDecodeError raise, and too many digits
        raise BadInput(f"{path}: not valid TOML: {error}") from error
    return data


def _content(path: Path) -> bytes:
    try:
        # Without waiting: a pipe that nobody writes to would hold the reader for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise BadInput(f"{path}: cannot be read: no plain file")
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from error
    if len(content) > MAX_BYTES:
        raise BadInput(f"{path}: too large: a catalog file has at most {MAX_BYTES >> 10} KiB")
    return content


def _refuse_beyond(value: object, depth: int) -> None:
    """Raise ValueError for a value nested deeper, and for numbers that JSON has not."""
    if isinstance(value, dict | list):
        if depth < 1:
            raise ValueError(f"nested more than {MAX_DEPTH} deep")
        for inner in value.values() if isinstance(value, dict) else value:
            _refuse_beyond(inner, depth - 1)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"contains {value}, which is no number here; leave out what is unknown")
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ValueError("contains a whole number of more than 64 bits")


@cache
def _described(kind: Any) -> msgspec.inspect.Type:
    """Return the fields of a kind: some milliseconds for a model's or a method's."""
    return msgspec.inspect.type_info(kind)


def _refuse_unknown_keys(path: Path, data: Mapping[str, Any], kind: Any, at: str = "") -> None:
    # msgspec refuses unknown keys too, but without a suggestion and one at a time.
    info = _described(kind)
    if isinstance(info, msgspec.inspect.UnionType):
        structs = [t for t in info.types if isinstance(t, msgspec.inspect.StructType)]
        info = structs[0] if len(structs) == 1 else info
    if not isinstance(info, msgspec.inspect.StructType):
        return
    fields = {field.encode_name: field for field in info.fields}
    for key, value in data.items():
        if key not in fields:
            hint = did_you_mean(key, set(fields) - {"name"})
            raise BadInput(f"{path}: unknown key {at + key!r}", hint=hint)
        field_type = fields[key].type
        if isinstance(value, Mapping):
            for nested in _structs_in(field_type):
                _refuse_unknown_keys(path, value, nested, f"{at}{key}.")
        if isinstance(value, list) and isinstance(field_type, msgspec.inspect.VarTupleType):
            for item in value:
                for nested in _structs_in(field_type.item_type):
                    if isinstance(item, Mapping):
                        _refuse_unknown_keys(path, item, nested, f"{at}{key}[].")


def _structs_in(field_type: msgspec.inspect.Type) -> list[type]:
    if isinstance(field_type, msgspec.inspect.StructType):
        return [field_type.cls]
    if isinstance(field_type, msgspec.inspect.UnionType):
        return [t.cls for t in field_type.types if isinstance(t, msgspec.inspect.StructType)]
    return []
