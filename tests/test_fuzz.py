"""Some seconds of ``tests/fuzz.py`` in every test run; ``tox -e fuzz`` is the same for longer."""

import json

import pytest

import fuzz
from suite.results.record import Record, encode
from suite.results.storage.run_folder import read
from support import mutations, records, watching

SECONDS = 20


def test_spoiled_folders_break_no_property() -> None:
    """No traceback, no write elsewhere, the good record always there, whatever is beside it."""
    assert fuzz.hunt(SECONDS, seed=18) > 0


def test_a_spoiled_record_that_still_fits_is_read(tmp_path) -> None:
    """The digest is made right again: what is refused is refused for its content."""
    tree = json.loads(encode(records.record()))
    tree["launch"] = 7
    (tmp_path / "journal.jsonl").write_bytes(mutations.sealed(tree))
    (record,) = read([tmp_path]).records
    assert record.launch == 7
    assert {place for place, _ in mutations.places(tree, mutations.type_of(Record))} >= {
        ("case", "model", "architecture", "layers"),
        ("steps", 0, "seconds"),
        ("environment", "versions", "cpu_threads"),
    }


def test_a_write_outside_is_noticed(tmp_path) -> None:
    """What the fuzz watches for it sees: opened, made, removed, renamed, also in vain."""
    (tmp_path / "out").mkdir()
    with watching.writes_only((tmp_path / "out",)) as elsewhere:
        (tmp_path / "out" / "fine").write_text("x")
        (tmp_path / "bad").write_text("x")
        (tmp_path / "bad").rename(tmp_path / "worse")
        with pytest.raises(OSError, match="worse"):
            (tmp_path / "worse").mkdir()
    assert [line.split()[0] for line in elsewhere] == [
        "open",
        "os.rename",
        "os.rename",
        "os.mkdir",
    ]


def test_a_verb_that_breaks_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception of a verb is a finding, with the folder kept."""

    def broken(words: list[str]) -> int:
        raise KeyError("here")

    monkeypatch.setattr(fuzz, "main", broken)
    with pytest.raises(fuzz.Broken, match="KeyError"):
        fuzz.check({"run.json": b"{}"}, [("validate S --json", "count")])
    assert (fuzz.KEPT / "validate" / "spoiled" / "run.json").read_bytes() == b"{}"
