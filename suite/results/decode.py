"""Turn bytes from outside into records and plans, or into one line that says why not."""

import hashlib
import json
import re
from typing import TypeVar, cast

import msgspec

from suite.catalog import names
from suite.results.record import SCHEMA, Record
from suite.wire import Struct

T = TypeVar("T", bound=Struct)

MAX_DOCUMENT_BYTES = 64 << 20

_START = re.compile(rb'\{"schema":\d+,"record_id":"([0-9a-f]{16})"')
_RECORD = msgspec.json.Decoder(Record)


class Unusable(Exception):
    """This document cannot be used; the text is one line that says why."""


def keys(document: bytes) -> frozenset[str]:
    """Return the top-level keys of a JSON object; raises Unusable for anything else."""
    value = _parsed(document)
    if not isinstance(value, dict):
        raise Unusable("foreign JSON: not an object")
    return frozenset(value)


def document(document: bytes, kind: type[T]) -> T:
    """Return one JSON document as a ``kind``, a struct with a ``schema`` number.

    Raises Unusable for what is not JSON (NaN and infinities are not), not ours, of a newer schema,
    or holds a wrong value; for a record also when its content is not what ``record_id`` was
    computed from.
    """
    if kind is Record and (record := _as_written(document)):
        return cast(T, record)
    noun = kind.__name__.lower()
    value = _parsed(document)
    if not isinstance(value, dict):
        raise Unusable(f"foreign JSON: not a {noun} but {type(value).__name__}")
    schema = value.get("schema")
    if not isinstance(schema, int) or "run_id" not in value:
        shown = ", ".join(sorted(value)[:4]) or "no keys"
        raise Unusable(f"foreign JSON: not a {noun} of tunebench (it has {shown})")
    if schema < 1:
        raise Unusable(f"no tunebench wrote schema {schema}")
    if schema > SCHEMA:
        raise Unusable(
            f"written by a newer tunebench: schema {schema}, this one reads up to {SCHEMA}"
        )
    try:
        decoded = msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise Unusable(f"not a valid {noun}: {names.explained(error, value)}") from error
    if isinstance(decoded, Record):
        _verify(value, decoded)
    return decoded


def _as_written(document: bytes) -> Record | None:
    """Return a record whose bytes are those that ``record.encode`` made, else None.

    Nothing need be encoded once more then, which is most of the time that reading takes.
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
        return None  # why is found out the long way
    if not 1 <= record.schema <= SCHEMA or record.record_id != start[1].decode():
        return None
    _consistent(record)
    return record


def _parsed(document: bytes) -> object:
    if len(document) > MAX_DOCUMENT_BYTES:
        raise Unusable(f"too large: over {MAX_DOCUMENT_BYTES >> 20} MiB")
    try:
        return msgspec.json.decode(document)
    except RecursionError:
        raise Unusable("foreign JSON: nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unusable(_why_not_json(document, error)) from error


def _why_not_json(document: bytes, error: Exception) -> str:
    if not document.strip():
        return "empty"
    constants: list[str] = []
    try:
        json.loads(document, parse_constant=lambda name: constants.append(name))
    except (ValueError, RecursionError):
        return f"not JSON: {re.sub(r'^JSON is malformed: ', '', str(error))}"
    if constants:
        return f"holds {constants[0]}, which is not JSON; unknown is null"
    return f"not JSON: {error}"


def _verify(value: dict[str, object], record: Record) -> None:
    # Over the keys as written, so that a field added to the schema later changes no old digest.
    try:
        bare = msgspec.json.encode({**value, "record_id": ""})
    except OverflowError as error:
        raise Unusable(f"not a valid record: {error}") from error
    if hashlib.sha256(bare).hexdigest()[:16] != record.record_id:
        raise Unusable(
            f"content differs from what record_id {record.record_id!r} was computed from:"
            " edited or damaged"
        )
    _consistent(record)


def _consistent(record: Record) -> None:
    case = record.case
    said = (record.case_id, record.model, record.method, record.engine)
    if said != (case.case_id, case.model.name, case.method.name, case.method.engine):
        raise Unusable(f"contradicts itself: {', '.join(said)} is not what its case says")
