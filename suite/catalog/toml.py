"""Read one kind of catalog file, and say exactly what is wrong with a bad one."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from suite.catalog import names as naming
from suite.errors import BadInput, did_you_mean

T = TypeVar("T")


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


def read(path: Path, kind: type[T]) -> T:
    """Read one TOML file as a ``kind``; the entry's ``name`` is the file's."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: not valid TOML: {error}") from error
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from error
    if "name" in data:
        raise BadInput(f"{path}: key 'name': the file's name is the name; remove the key")
    _refuse_unknown_keys(path, data, kind)
    named = {**data, "name": path.stem}
    try:
        return msgspec.convert(named, kind)
    except msgspec.ValidationError as error:
        why = naming.explained(error, named)
        raise BadInput(f"{path}: {_plain(error) if why == str(error) else why}") from error


def _refuse_unknown_keys(path: Path, data: Mapping[str, Any], kind: Any, at: str = "") -> None:
    # msgspec refuses unknown keys too, but without a suggestion and one at a time.
    info = msgspec.inspect.type_info(kind)
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


def _plain(error: msgspec.ValidationError) -> str:
    """Turn msgspec's ``... - at `$.a.b``` into ``key 'a.b': ...``."""
    text, found, place = str(error).partition(" - at `$.")
    return f"key {place.rstrip('`')!r}: {text}" if found else text
