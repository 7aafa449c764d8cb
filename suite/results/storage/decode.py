"""Turn bytes from outside into records and plans, or into one line that says why not.

A document is parsed into its own type at once: one that is none costs no more than its first
mistake, and no tree of whatever it holds is made. Only a good record that was written by another
program is parsed a second time, since its digest is over its content in our spelling.
"""

import hashlib
import re
from typing import TypeVar, cast

import msgspec

from suite.catalog.explain import explained
from suite.results.record import SCHEMA, Record
from suite.wire import Struct

T = TypeVar("T", bound=Struct)

MAX_DOCUMENT_BYTES = 64 << 20
MOST_QUOTED_BYTES = 4 << 20  #: records have some hundred kilobytes

_START = re.compile(rb'\{"schema":\d+,"record_id":"([0-9a-f]{16})"')
_RECORD = msgspec.json.Decoder(Record)
_SYNTAX = msgspec.json.Decoder(msgspec.Raw)
_KEYS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_PLACE = re.compile(r"\(byte (\d+)\)$")
_CONSTANT = re.compile(rb"NaN|-?Infinity")


#: Of a reason: a document's own names and values are quoted in it.
MOST_REASON = 400


class Unusable(Exception):
    """This document cannot be used; the text is one line that says why."""

    def __init__(self, why: str = "") -> None:
        super().__init__(shortened(why))


def shortened(text: str) -> str:
    """Return a text of a stranger's, cut off where it is longer than anybody reads."""
    return text if len(text) <= MOST_REASON else f"{text[:MOST_REASON]}…"


def keys(document: bytes) -> frozenset[str]:
    """Return the top-level keys of a JSON object; raises Unusable for anything else."""
    return frozenset(_object(document, "an object"))


def document(document: bytes, kind: type[T]) -> T:
    """Return one JSON document as a ``kind``, a struct with a ``schema`` number.

    Raises Unusable for what is not JSON (NaN and infinities are not), not ours, of a newer schema,
    or holds a wrong value; for a record also when its content is not what ``record_id`` was
    computed from.
    """
    if kind is Record and (record := as_written(document)):
        return cast(T, record)
    return otherwise(document, kind)


def as_written(document: bytes) -> Record | None:
    """Return a record whose bytes are those that ``record.encode`` made, else None.

    Nothing need be encoded once more then, which is most of the time that reading takes. Raises
    Unusable for a record that contradicts itself.
    """
    if len(document) > MAX_DOCUMENT_BYTES or not (start := _START.match(document)):
        return None
    digest = hashlib.sha256(document[: start.start(1)])
    digest.update(memoryview(document.removesuffix(b"\n"))[start.end(1) :])
    if digest.hexdigest()[:16] != start[1].decode():
        return None
    try:
        record = _RECORD.decode(document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None  # why is found out the other way
    if not 1 <= record.schema <= SCHEMA or record.record_id != start[1].decode():
        return None
    _consistent(record)
    return record


def otherwise(document: bytes, kind: type[T], *, say: bool = True) -> T:
    """Return a document in whatever spelling; raises Unusable as ``document`` does.

    Without ``say`` the reason may be empty: to find it, a document is looked at once more.
    """
    if len(document) > MAX_DOCUMENT_BYTES:
        raise Unusable(f"too large: over {MAX_DOCUMENT_BYTES >> 20} MiB")
    noun = kind.__name__.lower()
    try:
        decoded = msgspec.json.decode(document, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if not say:
            raise Unusable from None
        _refuse_head(document, noun)
        if str(error).startswith("Number out of range"):  # no JSON reader can hold it
            raise Unusable(f"not JSON: {error}") from error
        why = str(error)
        if isinstance(error, msgspec.ValidationError):
            why = explained(error, kind, tree(document))
        raise Unusable(f"not a valid {noun}: {why}") from error
    _refuse_head(document, noun)  # a default stands for what is missing
    if isinstance(decoded, Record):
        _verify(document, decoded)
        _consistent(decoded)
    return decoded


def tree(document: bytes) -> object:
    """Return a document as plain mappings and lists, to quote from it; None of a large one."""
    if len(document) > MOST_QUOTED_BYTES:
        return None
    try:
        return msgspec.json.decode(document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _refuse_head(document: bytes, noun: str) -> None:
    """Raise Unusable where the reason lies in what a document is, not in one of its values."""
    head = _object(document, f"a {noun}")
    try:
        schema = msgspec.json.decode(head["schema"], type=int | bool)
    except (KeyError, msgspec.DecodeError):
        schema = None
    if schema is None or "run_id" not in head:
        shown = ", ".join(sorted(head)[:4]) or "no keys"
        raise Unusable(f"foreign JSON: not a {noun} of tunebench (it has {shown})")
    if isinstance(schema, bool):
        return  # whose value is refused
    if schema < 1:
        raise Unusable(f"no tunebench wrote schema {schema}")
    if schema > SCHEMA:
        raise Unusable(
            f"written by a newer tunebench: schema {schema}, this one reads up to {SCHEMA}"
        )


def _object(document: bytes, wanted: str) -> dict[str, msgspec.Raw]:
    """Return a document's keys and values, unparsed; raises Unusable where it is no object."""
    if len(document) > MAX_DOCUMENT_BYTES:
        raise Unusable(f"too large: over {MAX_DOCUMENT_BYTES >> 20} MiB")
    try:
        _SYNTAX.decode(document)
        return _KEYS.decode(document)
    except RecursionError:
        raise Unusable("foreign JSON: nested too deeply") from None
    except msgspec.ValidationError as error:
        raise Unusable(f"foreign JSON: not {wanted} ({error})") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unusable(_why_not_json(document, error)) from error


def _why_not_json(document: bytes, error: Exception) -> str:
    if not document.strip():
        return "empty"
    place = _PLACE.search(str(error))
    # A minus sign has been read when the letter after it is refused.
    for start in (int(place[1]) - 1, int(place[1])) if place else ():
        if constant := _CONSTANT.match(document, max(start, 0)):
            return f"contains {constant[0].decode()}, which is not JSON; unknown is null"
    return f"not JSON: {str(error).removeprefix('JSON is malformed: ')}"


def _verify(document: bytes, record: Record) -> None:
    # Over the keys as written, so that a field added to the schema later changes no old digest.
    value = msgspec.json.decode(document)
    bare = msgspec.json.encode({**value, "record_id": ""})
    if hashlib.sha256(bare).hexdigest()[:16] != record.record_id:
        raise Unusable(
            f"content differs from what record_id {record.record_id!r} was computed from:"
            " edited or damaged"
        )


def _consistent(record: Record) -> None:
    case = record.case
    said = (record.case_id, record.model, record.method, record.engine)
    if said != (case.case_id, case.model.name, case.method.name, case.method.engine):
        raise Unusable(f"contradicts itself: {', '.join(said)} is not what its case says")
