"""The exported JSON Schema."""

import json
from pathlib import Path

from suite.results import schema
from suite.results.metrics import all_metrics
from suite.results.storage import run_folder

OLD = Path(__file__).parent / "schema-1"  # written by the suite as it was then


def test_the_exported_schema_is_current() -> None:
    """A change of the record without the exported file (tox -e export) fails here."""
    assert schema.FILE.read_text(encoding="utf-8") == schema.text()


def test_descriptions_do_not_depend_on_the_python_version() -> None:
    """Python 3.13 strips docstrings and older ones do not; the file is the same for all."""
    for described in json.loads(schema.text())["$defs"].values():
        assert "\n   " not in described.get("description", "")


def test_a_run_of_schema_1_is_read_and_measured_as_before() -> None:
    """Old records keep their digest and their numbers; what they do not have is unknown."""
    found = run_folder.read([OLD])
    assert found.problems == ()
    (record,) = found.records
    assert (record.schema, record.outcome) == (1, "ok")
    assert all_metrics()["step_seconds"].compute(record)
    assert record.compile_cache is None
    assert {step.collector_seconds for step in record.steps} == {None}
    assert record.ledger is not None
    assert record.ledger.workspaces_bytes is None
