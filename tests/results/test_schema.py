"""The exported JSON Schema."""

import json

from suite.results import schema


def test_the_exported_schema_is_current() -> None:
    """A change of the record without the exported file (tox -e export) fails here."""
    assert schema.FILE.read_text(encoding="utf-8") == schema.text()


def test_descriptions_do_not_depend_on_the_python_version() -> None:
    """Python 3.13 strips docstrings and older ones do not; the file is the same for all."""
    for described in json.loads(schema.text())["$defs"].values():
        assert "\n   " not in described.get("description", "")
