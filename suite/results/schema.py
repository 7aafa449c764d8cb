"""``python -m suite.results.schema [--check]``: the record's JSON Schema, kept in ``schema/``."""

import inspect
import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from suite.results.record import SCHEMA, Record

FILE = Path(__file__).parents[2] / "schema" / f"record-v{SCHEMA}.json"


def text() -> str:
    """Return the JSON Schema of one record, as the file holds it."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Tunebench record, schema {SCHEMA}",
        **msgspec.json.schema(Record),
    }
    for described in schema["$defs"].values():
        _clean(described)
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def _clean(described: dict[str, Any]) -> None:
    # Python 3.13 strips the indentation of docstrings, older ones keep it.
    if "description" in described:
        described["description"] = inspect.cleandoc(described["description"])


def main() -> int:
    """Write the file, or with ``--check`` only say whether it is current; return the exit code."""
    current = FILE.is_file() and FILE.read_text(encoding="utf-8") == text()
    if "--check" in sys.argv[1:]:
        if not current:
            print(f"{FILE.name} is not what the record is now: tox -e export", file=sys.stderr)
        return 0 if current else 1
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
