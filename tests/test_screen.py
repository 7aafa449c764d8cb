"""What a stranger's record can do to a terminal, a spreadsheet and a pull request: nothing."""

import csv
import io
import json
import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from reports.text import markdown
from suite import screen
from suite.cli import main
from suite.csv import defused
from suite.paths import ROOT
from suite.results.record import Record, encode, seal
from suite.results.storage import run_folder
from support import records

#: A title, a cleared screen, the 8-bit introducer, a changed direction, no width, a forged line.
ESCAPES = "\x1b]0;T\x07\x1b[2J\x9b31m\u202e\u2066\u200b\ufeff\x7f\r\ntunebench: all good"
FORBIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)


def hostile(text: str = ESCAPES, *, names: bool = False) -> Record:
    """Return a record with a text in every field that takes any.

    With ``names`` also in those of names, so that it is refused and quoted in messages.
    """
    added = text if names else ""
    record = records.record(method="lora", reason=text, output_tail=(text,), notes=(text,))
    model = msgspec.structs.replace(
        record.case.model, name=record.model + added, title=text, family=record.case.model.family
    )
    method = msgspec.structs.replace(
        record.case.method, name=record.method + added, title=text, summary=text
    )
    case = msgspec.structs.replace(
        record.case, case_id=record.case_id + added, model=model, method=method
    )
    environment = msgspec.structs.replace(
        record.environment, cpu=text, platform=text, unavailable={"gpu": text}
    )
    changed = msgspec.structs.replace(
        record,
        case_id=case.case_id,
        case=case,
        model=model.name,
        method=method.name,
        profile=record.profile + added,
        weights=text,
        environment=environment,
        started_at=text,
    )
    return seal(changed)


@pytest.fixture(params=[False, True], ids=["texts", "names"])
def run(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A run whose plan and record hold escapes wherever a text may stand, or in names as well."""
    return written(tmp_path, hostile(names=request.param), names=request.param)


def written(tmp_path: Path, record: Record, *, names: bool = False) -> Path:
    """Write a run of one record."""
    plan = msgspec.structs.replace(
        records.plan(methods=("lora",)),
        cases=(record.case,),
        profile=record.profile,
        tier=ESCAPES if names else "smoke",
        weights=ESCAPES,
        argv=("run", ESCAPES),
    )
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "run.json").write_bytes(msgspec.json.encode(plan))
    (folder / "journal.jsonl").write_bytes(encode(record) + b"\n")
    return folder


VERBS = [
    *(
        ("compare", "RUN", "RUN", "--format", form)
        for form in ("text", "json", "markdown", "html")
    ),
    *(("export", "RUN", "--format", form) for form in ("csv", "json", "jsonl", "markdown")),
    ("export", "RUN", "--format", "badge"),
    ("export", "RUN", "--models", "nope"),
    ("export", "RUN", "RUN2", "--format", "badge"),
    ("validate", "RUN"),
    ("validate", "RUN", "--json"),
    ("run", "--resume", "RUN", "--dry-run"),
    ("run", "--resume", "RUN", "--dry-run", "--json"),
    ("publish", "RUN", "--into", "OUT"),
    ("report", "RUN", "--out", "OUT/site"),
    ("plan", "RUN"),
    ("fit", f"a{ESCAPES}"),
    (f"verb{ESCAPES}",),
    ("export", f"nowhere{ESCAPES}"),
    ("run", f"--option{ESCAPES}"),
]


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: " ".join(verb)[:40].encode().hex()[:60])
def test_no_verb_lets_a_record_command_a_terminal(
    verb: tuple[str, ...], run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither on standard output nor in an error, in a pipe as on a terminal."""
    other = tmp_path / "other.jsonl"
    other.write_bytes(encode(records.record(method="qlora")) + b"\n")
    places = {"RUN": str(run), "RUN2": str(other), "OUT": str(tmp_path / "out")}
    main([places.get(word, word.replace("OUT/", f"{tmp_path}/")) for word in verb])
    shown = capsys.readouterr()
    for text in (shown.out, shown.err):
        assert not FORBIDDEN.search(text)
    assert not re.search(r"(?m)^tunebench: all good", shown.err)
    assert shown.out or shown.err


@pytest.mark.parametrize("form", ["text", "json"])
def test_on_a_terminal_only_escapes_of_ours_are_left(run: Path, form: str) -> None:
    """Rich draws its table with escapes of its own; a record's words bring none along."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "suite", "compare", str(run), str(run), "--format", form],
        env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "200"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = "".join(_read(ours, child))
    assert "\x1b]0;" not in shown
    assert "\x1b[2J" not in shown
    assert not FORBIDDEN.search(re.sub(r"\x1b\[[0-9;]*m|\r\n", "", shown))


def _read(descriptor: int, child: "subprocess.Popen[bytes]") -> Iterator[str]:
    content = b""
    while True:
        ready, _, _ = select.select([descriptor], [], [], 0.2)
        if not ready and child.poll() is not None:
            break
        try:
            content += os.read(descriptor, 1 << 16) if ready else b""
        except OSError:  # the other side is closed
            break
    child.wait(30)
    os.close(descriptor)
    yield content.decode()


def test_json_says_the_same_with_such_characters_escaped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A program that reads it gets every character; letters of any language stay as they are."""
    run = written(tmp_path, hostile())
    assert main(["run", "--resume", str(run), "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["weights"] == ESCAPES
    text = json.dumps({"a": "ä日\U0001f9a5\U000e0001" + ESCAPES}, ensure_ascii=False)
    assert json.loads(screen.json(text)) == json.loads(text)
    assert "ä日\U0001f9a5" in screen.json(text)
    assert not FORBIDDEN.search(screen.json(text))


@pytest.mark.parametrize(
    "begin",
    ["=cmd|' /C calc'!A0", "+1+cmd", "-2+3+cmd", "@SUM(1)", "\t=1", "\r=1", " =1", "\uff1d1"],
)
def test_no_cell_of_csv_is_a_formula(
    begin: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Text that a spreadsheet would run begins with an apostrophe; a separator is quoted."""
    path = tmp_path / "journal.jsonl"
    path.write_bytes(encode(records.record(reason=begin, weights=f'x;{begin}",{begin}')) + b"\n")
    assert main(["export", str(path)]) == 0
    shown = capsys.readouterr().out
    (row,) = csv.DictReader(io.StringIO(shown))
    assert row["reason"].startswith("'")
    assert row["reason"].lstrip("' ") == begin.strip()
    text = f'x;{screen.line(begin)}",{screen.line(begin)}'
    assert row["weights"].replace("'", "") == text.replace("'", "")
    for separator in ";|":  # as Excel splits where commas are for decimals, and heeds no quote
        for cells in csv.reader(io.StringIO(shown), delimiter=separator):
            assert not any(cell.lstrip().startswith(tuple("=+@\uff1d")) for cell in cells)
    for cell in row.values():
        assert not cell.lstrip().startswith(("=", "+", "@", "\uff1d"))


def test_numbers_in_csv_stay_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A negative or an exponential number is no formula, and names are not touched."""
    path = tmp_path / "journal.jsonl"
    record = records.record(loss=-1.5)
    path.write_bytes(encode(record) + b"\n")
    assert main(["export", str(path)]) == 0
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert float(row["final_loss"]) < 0
    assert (row["case_id"], row["weights"]) == ("tiny-qwen3-lora", "dummy seed 17")
    assert [defused(text) for text in ("-1.5e-3", "+2", "-", "a-b")] == [
        "-1.5e-3",
        "+2",
        "'-",
        "a-b",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "@torvalds",
        "(@org/team)",
        "see #123",
        "owner/name#7",
        "GH-12",
        "mr !45",
        "https://evil.example/x?a=1",
        "www.evil.example",
        "a@evil.example",
        "mailto:a@b.c",
        "_@name",
        "a@b.co@name",
        "@a@name",
        ".@.evil",
        "GH-1@name",
        "x/y@0123abc",
        "1http://evil.example",
        "_www.evil.example",
    ],
)
def test_markdown_mentions_and_links_nobody(text: str) -> None:
    """A forge acts on these wherever they stand in a text, but not inside code."""
    for line in (text, f"a {text}, b", f"`{text}", f"{text}|{text}"):
        for made in (markdown.text(line), markdown.paragraph(line)):
            outside = re.sub(r"(?<!\\)`[^`]*`", "", made)
            assert not re.search(r"@\w|#\d|!\d|GH-\d|://|www\.|mailto:", outside)


@pytest.mark.parametrize(
    "text",
    ["![x](https://e.example/x.png)", "[a](javascript:x)", "<img src=x>", "<!-- -->", "&#64;name"],
)
def test_markdown_holds_no_markup_of_a_name(text: str) -> None:
    """Images, links, HTML and entities are the characters they are written with."""
    outside = re.sub(r"(?<!\\)`[^`]*`", "", markdown.text(text))
    assert not re.search(r"(?<!\\)[\[<&]", outside)


@pytest.mark.parametrize("text", ["# a", "- a", "+ a", "1. a", "12) a", "=== a", "--- a", "> a"])
def test_a_paragraph_begins_no_heading_or_list(text: str) -> None:
    """What begins a line is escaped there; inside a cell it needs none."""
    made = markdown.paragraph(text)
    assert not re.match(r"[-+=#>]|\d+[.)]", made)
    assert made.replace("\\", "") == text


def test_a_comparison_for_a_pull_request_mentions_nobody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Names of cases, packages and reasons that strangers chose go into a comment as text."""
    evil = " @maintainer #1 https://e.example <b>![x](http://e.example)"
    paths = []
    for side in "ab":
        path = tmp_path / f"{side}.jsonl"
        path.write_bytes(encode(hostile(evil)) + b"\n")
        paths.append(str(path))
    assert main(["compare", *paths, "--format", "markdown"]) == 0
    outside = re.sub(r"(?<!\\)`[^`]*`", "", capsys.readouterr().out)
    assert not re.search(r"@maintainer|#1\b|://|(?<!\\)<b|(?<!\\)!?\[x", outside)
    assert run_folder.read([Path(paths[0])]).problems == ()


@pytest.mark.parametrize("many", ["a", "a.", "#", "@", "/", "a@", "; ", "\n", "`"])
def test_time_grows_with_the_length_of_a_text(many: str) -> None:
    """A stranger's megabyte in one field must not cost hours."""
    long = "x" + many * (200_000 // len(many))
    began = time.monotonic()
    markdown.paragraph(long)
    defused(long)
    assert time.monotonic() - began < 10
