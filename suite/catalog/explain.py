"""Say what a refused value should have been: the place, and all that is allowed there."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import inspect

from suite.catalog import names
from suite.errors import did_you_mean

_STEP = re.compile(r"\.([^.\[\]`]+)|\[(\d+|\.\.\.)\]")
_QUOTED = re.compile("Invalid enum value '(.*)'")
_MANY = (inspect.VarTupleType, inspect.ListType, inspect.SetType, inspect.FrozenSetType)
_MOST_CHARACTERS = 40


def explained(error: msgspec.ValidationError, kind: Any, value: object) -> str:
    """Return msgspec's words for a refused ``value``, with the names that are allowed there.

    Its ``... - at `$.a.b``` becomes ``key 'a.b': ...``. ``value`` is what was converted, as plain
    mappings and lists, or None where it is not at hand. Of a bad name it says what a name is.
    """
    if (said := names.explained(error, value)) != str(error):
        return said
    text, found, place = str(error).partition(" - at `$")
    place = place.rstrip("`").removeprefix(".")
    steps = [name or number for name, number in _STEP.findall(f".{place}")] if found else []
    allowed = list(_names(_at(inspect.type_info(kind), steps)))
    if allowed:
        refused = _value(value, steps)
        if refused is None and (quoted := _QUOTED.match(text)):
            refused = quoted[1]
        if isinstance(refused, str):
            text = f"Invalid enum value {refused[:_MOST_CHARACTERS]!r}"
            if sentence := getattr(kind, "REFUSED", {}).get((".".join(steps), refused.lower())):
                text = f"{text}: {sentence}"
            near = did_you_mean(refused[:_MOST_CHARACTERS], allowed)
            text = f"{text}. {near}" if near.startswith("Did") else f"{text}."
        else:
            text = f"{text}."
        text = f"{text} Allowed: {', '.join(allowed)}"
    return f"key {place!r}: {text}" if found else text


def _at(found: Any, steps: list[str]) -> tuple[Any, ...]:
    """Return the types that a value at that place may have."""
    here = _parts(found)
    for step in steps:
        here = tuple(part for one in here for part in _below(one, step))
    return here


def _below(one: Any, step: str) -> Iterator[Any]:
    if isinstance(one, inspect.StructType):
        for field in one.fields:
            if field.encode_name == step:
                yield from _parts(field.type)
    elif isinstance(one, inspect.DictType):
        yield from _parts(one.value_type)
    elif isinstance(one, _MANY):
        yield from _parts(one.item_type)
    elif isinstance(one, inspect.TupleType) and step.isdigit() and int(step) < len(one.item_types):
        yield from _parts(one.item_types[int(step)])


def _parts(found: Any) -> tuple[Any, ...]:
    if isinstance(found, inspect.Metadata):
        return _parts(found.type)
    if isinstance(found, inspect.UnionType):
        return tuple(part for one in found.types for part in _parts(one))
    return (found,)


def _names(types: tuple[Any, ...]) -> Iterator[str]:
    for one in types:
        if isinstance(one, inspect.LiteralType):
            yield from map(str, one.values)


def _value(value: object, steps: list[str]) -> object:
    """Return what stands at a place; of a dictionary whose key msgspec hides, nothing."""
    for step in steps:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list | tuple) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value
