"""Hypothesis strategies that spoil records and plans, derived from their schema.

``spoiled`` changes a JSON tree where the schema says what belongs there: to another value of that
type, at its bounds above all, to one of a wrong type, or to something missing, doubled or unknown.
``damaged`` changes bytes. ``sealed`` gives a spoiled record the digest that it would have had.
"""

import hashlib
import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec
from hypothesis import strategies as st
from msgspec import inspect

from suite.results.plan import Plan
from suite.results.record import Record

Json = Any
Path = tuple[str | int, ...]

#: What names become: paths, markup, formulas, terminal commands, very long or odd text.
HOSTILE = (
    *("", ".", "..", "../../../outside", "/tmp/outside", "a/b", "a\\b", "a\x00b", "-rf", "con"),
    *("=cmd|'/C calc'!A0", "@SUM(1)", "</script><script>alert(1)</script>", '"><img src=x>'),
    *("\x1b]0;T\x07\x1b[2J", "\u202e\u200b", "\ud7ff\uffff", "a\nb\r\nc", "%s{0}{}", "{{ 7*7 }}"),
    *("x" * 300, "é" * 200, "nan", "-0", "1e999", "__class__", "null", "qwen3-8b", "lora", "cpu"),
)
NUMBERS = (0, -1, 1, 2, 2**31, 2**53 + 1, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**400)
FLOATS = (0.0, -0.0, 5e-324, 1e-9, 1.5, 1e12, 1e39, 1.7e308, -1.7e308)
WRONG: tuple[Json, ...] = (None, True, "text", [], {}, [[]], {"a": None}, *NUMBERS, *FLOATS)

texts = st.sampled_from(HOSTILE) | st.text(max_size=12)


@lru_cache
def type_of(kind: type) -> inspect.Type:
    return inspect.type_info(kind)


def values(kind: inspect.Type, depth: int = 0) -> st.SearchStrategy[Json]:
    """Return JSON values that a schema's type takes, its bounds above all."""
    match kind:
        case inspect.IntType():
            if kind.le is None:
                return st.sampled_from([n for n in NUMBERS if n >= (kind.ge or n)])
            low, high = kind.ge or 0, kind.le
            near = [n for n in (low, low + 1, high - 1, high, 1, 7) if low <= n <= high]
            return st.sampled_from(near) | st.integers(low, high)
        case inspect.FloatType():
            low = kind.ge if kind.ge is not None else kind.gt if kind.gt is not None else -1e308
            high = kind.le if kind.le is not None else kind.lt if kind.lt is not None else 1e308
            near = [n for n in (low, high, *FLOATS) if low <= n <= high]
            return st.sampled_from(near) | st.floats(low, high)
        case inspect.StrType():
            return texts if kind.pattern is None else st.from_regex(kind.pattern, fullmatch=True)
        case inspect.BoolType():
            return st.booleans()
        case inspect.NoneType():
            return st.none()
        case inspect.LiteralType():
            return st.sampled_from(kind.values)
        case inspect.UnionType():
            return st.one_of([values(each, depth) for each in kind.types])
        case inspect.VarTupleType() | inspect.ListType():
            return st.lists(values(kind.item_type, depth + 1), max_size=3)
        case inspect.TupleType():
            return st.tuples(*(values(each, depth + 1) for each in kind.item_types)).map(list)
        case inspect.DictType():
            return st.dictionaries(texts, values(kind.value_type, depth + 1), max_size=2)
        case inspect.StructType():
            return _struct(kind.cls, depth)
    return st.sampled_from(WRONG)


@lru_cache
def _struct(cls: type, depth: int) -> st.SearchStrategy[Json]:
    kind = type_of(cls)
    assert isinstance(kind, inspect.StructType)
    fields = {f.encode_name: st.deferred(_later(f.type, depth + 1)) for f in kind.fields}
    needed = {f.encode_name: fields.pop(f.encode_name) for f in kind.fields if f.required}
    return st.fixed_dictionaries(needed, optional=fields)


def _later(kind: inspect.Type, depth: int) -> Callable[[], st.SearchStrategy[Json]]:
    return lambda: values(kind, depth)


def places(tree: Json, kind: inspect.Type, at: Path = ()) -> list[tuple[Path, inspect.Type]]:
    """Return every place of a tree with what the schema has there; of long lists a few items."""
    found = [(at, kind)] if at else []
    if isinstance(kind, inspect.UnionType):
        fitting = inspect.StructType if isinstance(tree, dict) else inspect.VarTupleType
        kind = next((each for each in kind.types if isinstance(each, fitting)), kind)
    if isinstance(kind, inspect.StructType) and isinstance(tree, dict):
        types = {field.encode_name: field.type for field in kind.fields}
        for key in types.keys() & tree.keys():
            found += places(tree[key], types[key], (*at, key))
    elif isinstance(kind, inspect.VarTupleType) and isinstance(tree, list) and tree:
        for index in sorted({0, len(tree) // 2, len(tree) - 1}):
            found += places(tree[index], kind.item_type, (*at, index))
    elif isinstance(kind, inspect.DictType) and isinstance(tree, dict):
        for key in list(tree)[:2]:
            found += places(tree[key], kind.value_type, (*at, key))
    return sorted(found, key=lambda each: tuple(map(str, each[0])))


@st.composite
def spoiled(draw: st.DrawFn, original: Json, kind: type[Record | Plan]) -> Json:
    """Return a tree with up to four changes, small and large alike."""
    tree = json.loads(json.dumps(original))
    for _ in range(draw(st.sampled_from((1, 1, 1, 2, 4)))):
        where, wanted = draw(st.sampled_from(places(tree, type_of(kind))))
        *way, last = where
        holder = tree
        for key in way:
            holder = holder[key]
        how = draw(st.integers(0, 19))
        if how == 0:
            del holder[last]
        elif how == 1:
            holder[last] = draw(st.sampled_from(WRONG))
        elif how == 2 and isinstance(holder, dict):
            holder[draw(texts)] = draw(st.sampled_from(WRONG))
        elif how < 6 and isinstance(holder, list):
            holder.extend([holder[last]] * draw(st.integers(1, 50)))
        else:
            holder[last] = draw(values(wanted))
    return tree


@st.composite
def extreme(draw: st.DrawFn, original: Json, kind: type[Record | Plan]) -> Json:
    """Return a tree with many of its numbers at their upper or lower bounds, all at once."""
    tree = json.loads(json.dumps(original))
    share, end = draw(st.sampled_from((1, 2, 9))), draw(st.sampled_from(("ge", "le")))
    for where, wanted in places(tree, type_of(kind)):
        types = wanted.types if isinstance(wanted, inspect.UnionType) else (wanted,)
        number = next((t for t in types if getattr(t, end, None) is not None), None)
        if number is None or where[0] in ("case", "schema", "launch") or len(str(where)) % share:
            continue
        holder = tree
        for key in where[:-1]:
            holder = holder[key]
        holder[where[-1]] = getattr(number, end)
    return tree


def sealed(record: Json) -> bytes:
    """Return a record as a line of a journal that says of itself what its case says, sealed."""
    case = record.get("case")
    if isinstance(case, dict):
        method, model = case.get("method"), case.get("model")
        said = {"case_id": case.get("case_id")}
        if isinstance(method, dict) and isinstance(model, dict):
            said |= {"model": model.get("name"), "method": method.get("name")}
            said |= {"engine": method.get("engine")}
        record = {**record, **said}
    head = {"schema": record.get("schema"), "record_id": ""}
    record = {**head, **{key: value for key, value in record.items() if key not in head}}
    digest = hashlib.sha256(encoded(record)).hexdigest()[:16]
    return encoded({**record, "record_id": digest}) + b"\n"


def encoded(tree: Json) -> bytes:
    """Return JSON as the suite spells it; what it cannot, as the standard library does."""
    try:
        return msgspec.json.encode(tree)
    except (OverflowError, UnicodeEncodeError):
        return json.dumps(tree, separators=(",", ":")).encode()


def named(tree: Json, key: str, name: str) -> Json:
    """Return a plan or record with one of its names replaced wherever it says it."""
    tree = json.loads(json.dumps(tree))
    if key in ("run_id", "profile", "tier", "weights", "runner") and key in tree:
        tree[key] = name
    for case in (tree.get("case"), *tree.get("cases", ())):
        if key == "case_id" and case is not None:
            case["case_id"] = name
        elif key in ("model", "method") and case is not None:
            case[key]["name"] = name
    return tree


TOKENS = (
    b"",
    b"\n",
    b"\x00",
    b"{",
    b"}",
    b"[" * 3000,
    b"]",
    b'"',
    b",",
    b"null",
    b"NaN",
    b"1e999",
)
TOKENS += (b"9" * 5000, b"\xff", b"\\ud800", b"\xed\xa0\x80", b"-", b"\xef\xbb\xbf", b" " * 9999)


@st.composite
def damaged(draw: st.DrawFn, original: bytes) -> bytes:
    """Return bytes with up to six changes: cut, put in, doubled, overwritten."""
    content = bytearray(original)
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(content)))
        length = draw(st.sampled_from((0, 1, 2, 8, 200, 5000)))
        token = draw(st.sampled_from(TOKENS) | st.binary(max_size=4))
        how = draw(st.sampled_from(("overwrite", "insert", "cut", "double", "end here")))
        if how == "overwrite":
            content[at : at + len(token)] = token
        elif how == "insert":
            content[at:at] = token
        elif how == "cut":
            del content[at : at + length]
        elif how == "double":
            content[at:at] = content[at : at + length]
        else:
            del content[at:]
    return bytes(content)
