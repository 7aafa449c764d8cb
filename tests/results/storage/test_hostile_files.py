"""What a stranger can put into a folder: each is refused by name, and the rest becomes a page."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from reports.site.build import build
from suite.results.storage import decode
from suite.results.storage import reader as collection
from suite.results.storage.reader import Collection, read
from support import records

NAMES = ("run.json", "journal.jsonl", "fidelity.json", "record.json")
OUT = "a link to a place outside the folder"


def plan(**changes: object) -> bytes:
    return json.dumps(
        {**json.loads(msgspec.json.encode(records.plan(run_id="hostile"))), **changes}
    ).encode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that holds one good record, beside an empty folder for the hostile file."""
    good = tmp_path / "given" / "good"
    good.mkdir(parents=True)
    (good / "journal.jsonl").write_bytes(msgspec.json.encode(records.record()) + b"\n")
    (tmp_path / "given" / "bad").mkdir()
    return tmp_path / "given"


def rendered(folder: Path) -> Collection:
    """Read the folder and build its site; the good record is in both."""
    found = read([folder])
    site = build(found, folder.parent / "site").parent
    assert [record.method for record in found.records] == ["lora"]
    assert len(list((site / "records").glob("*.html"))) == 1
    index = (site / "index.html").read_text()
    assert f"Notes on the input: {len(found.problems)}" in index
    return found


def reasons(folder: Path, name: str) -> str:
    """Return what is said of one file; that it is said at all is half of the test."""
    said = [p.reason for p in rendered(folder).problems if Path(p.path).name == name]
    assert said, f"{name} is passed over in silence"
    return "; ".join(said)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "content",
    [
        b"[" * 300_000,
        b'{"schema":' * 200_000,
        b'{"schema": 1, "run_id": "x", "cases": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"schema": ' + b"9" * 10_000 + b', "run_id": "x"}',
        b'{"schema": 1e999, "run_id": "x"}',
        b'{"schema": NaN, "run_id": "x"}',
        b'{"schema": 1, "run_id": "\\ud800"}',
        b'{"schema": 1, "run_id": "\xed\xa0\x80"}',
    ],
    ids=["array", "object", "inside", "digits", "exponent", "nan", "surrogate", "raw-surrogate"],
)
def test_hostile_json_is_refused_whatever_file_it_is_in(
    folder: Path, name: str, content: bytes
) -> None:
    """Depth, huge numbers, NaN and lone surrogates cost their own file only."""
    (folder / "bad" / name).write_bytes(content)
    assert reasons(folder, name)


@pytest.mark.parametrize("name", NAMES)
def test_an_endless_document_is_not_read_to_its_end(
    folder: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than the limit is too large, for plans and fidelity files as for records."""
    limit = 1 << 20
    for module in (decode, collection.safe_files):
        monkeypatch.setattr(module, "MAX_DOCUMENT_BYTES", limit)
    with (folder / "bad" / name).open("wb") as file:
        file.truncate(100 << 20)  # sparse: 100 MiB of zeros without a newline
    assert "too large: over 1 MiB" in reasons(folder, name)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("target", ["outside", "/dev/zero", "itself"])
def test_links_that_lead_out_are_not_followed(folder: Path, name: str, target: str) -> None:
    """Nothing of another file is read or quoted, a device does not hang, a circle neither."""
    outside = folder.parent / "outside.txt"
    outside.write_text("secret")
    link = folder / "bad" / name
    link.symlink_to({"outside": outside, "itself": link}.get(target, Path(target)))
    said = reasons(folder, name)
    assert OUT in said
    assert "secret" not in said


def test_a_link_to_a_folder_elsewhere_is_named(folder: Path) -> None:
    """A run behind a link is not read, in a folder that was given; given by itself it is."""
    elsewhere = folder.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "run.json").write_bytes(plan())
    link = folder / "bad" / "run"
    link.symlink_to(elsewhere)
    assert OUT in reasons(folder, "run")
    assert rendered(folder).plans == ()
    assert len(read([link]).plans) == 1


def test_links_inside_the_folder_are_followed(folder: Path) -> None:
    """A copy by link is a file like any other: its record was read before."""
    (folder / "bad" / "again.jsonl").symlink_to(folder / "good" / "journal.jsonl")
    said = [problem.reason for problem in rendered(folder).problems]
    assert said.count("1 record read before, counted once") == 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir], ids=["pipe", "folder"])
@pytest.mark.parametrize("beside", ["alone", "in a run"])
def test_what_is_no_file_does_not_hold_the_reader(
    folder: Path, name: str, make: Callable[[Path], None], beside: str
) -> None:
    """A pipe that nobody writes to and a folder in a file's place are named at once."""
    if beside == "in a run" and name != "run.json":
        (folder / "bad" / "run.json").write_bytes(plan())
    make(folder / "bad" / name)
    if beside == "in a run" and name in ("fidelity.json", "record.json"):
        assert len(rendered(folder).plans) == 1, "a run's folder may hold other things"
    else:
        assert "no plain file" in (said := reasons(folder, name)) or "a folder" in said


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"launches": 10**9}, "plans 2,000,000,000 results"),
        ({"launches": 2**70}, "a session has 100,000 at most"),
        ({"cases": "everything"}, "not a valid plan"),
    ],
)
def test_absurd_plans_are_refused(folder: Path, changes: dict[str, object], reason: str) -> None:
    """What is missing of a plan is counted out: a billion launches would fill the memory."""
    (folder / "bad" / "run.json").write_bytes(plan(**changes))
    assert reason in reasons(folder, "run.json")


@pytest.mark.parametrize("key", ["run_id", "profile", "tier"])
def test_names_that_climb_are_refused(folder: Path, key: str) -> None:
    """What is no name is said with its key and its value, and no file is named by it."""
    climbing = "../../../</script><script>alert(1)</script>"
    (folder / "bad" / "run.json").write_bytes(plan(**{key: climbing}))
    before = {path for path in folder.parent.rglob("*") if "site" not in path.parts}
    assert f"key '{key}': {climbing!r} is no name" in reasons(folder, "run.json")
    assert {path for path in folder.parent.rglob("*") if "site" not in path.parts} == before
    assert "<script>alert" not in (folder.parent / "site" / "index.html").read_text()


def test_a_flood_of_bad_lines_is_counted_not_listed(folder: Path) -> None:
    """Twenty are named, the others are a number: the page stays a page."""
    (folder / "bad" / "journal.jsonl").write_bytes(b"rubbish\n" * 5000)
    found = rendered(folder)
    said = [p for p in found.problems if "not JSON" in p.reason]
    assert len(said) == collection.MOST_BAD_LINES
    assert "4,980 more lines cannot be used" in reasons(folder, "journal.jsonl")
