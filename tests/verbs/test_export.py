"""Results for other programs: Parquet with types and units, and a badge of one case."""

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pyarrow.parquet
import pytest

from suite.cli import main
from suite.paths import ROOT
from suite.results.metrics import all_metrics
from suite.results.record import Record, seal
from suite.wire import MOST, Memory
from support import gpu_records, records

SVG = "{http://www.w3.org/2000/svg}"


def journal(folder: Path, *found: Record) -> str:
    path = folder / "journal.jsonl"
    path.write_bytes(b"".join(msgspec.json.encode(record) + b"\n" for record in found))
    return str(path)


def exported(path: str, out: Path, *more: str) -> str:
    assert main(["export", path, "--out", str(out), *more]) == 0
    return str(out)


def test_parquet_holds_the_rows_of_json(tmp_path: Path) -> None:
    """Same columns in the same order, the same numbers to the last bit; null stays null."""
    path = journal(tmp_path, records.record(), gpu_records.failed(reason='"quoted",\nlines'))
    plain = json.loads(Path(exported(path, tmp_path / "a", "--format", "json")).read_text())
    table = pyarrow.parquet.read_table(exported(path, tmp_path / "b", "--format", "parquet"))
    assert table.column_names == list(plain[0])
    for row, expected in zip(table.to_pylist(), plain, strict=True):
        begun = row.pop("started_at")
        assert begun == datetime.fromisoformat(expected.pop("started_at"))
        assert row == expected
    assert table["step_seconds"].null_count == 1


def test_parquet_columns_have_types_and_units(tmp_path: Path) -> None:
    """Counts and bytes are whole, times are times, and every metric's column names its unit."""
    path = journal(tmp_path, gpu_records.record(), records.record(started_at="last Tuesday"))
    out = exported(path, tmp_path / "rows.parquet", "--format", "parquet")
    table = pyarrow.parquet.read_table(out)
    kinds = {field.name: str(field.type) for field in table.schema}
    assert kinds["peak_allocated_bytes"] == kinds["launch"] == kinds["trainable_parameters"]
    assert kinds["launch"] == "int64"
    assert kinds["tokens_per_second"] == kinds["parity_first"] == "double"
    assert kinds["model"] == "string"
    assert kinds["started_at"] == "timestamp[us, tz=UTC]"
    for tag, metric in all_metrics().items():
        assert table.schema.field(tag).metadata[b"unit"].decode() == metric.unit
    first, second = table["started_at"].to_pylist()
    assert first.tzinfo is not None
    assert first.astimezone(UTC).year == 2026
    assert second is None, "no time is no time"


def test_a_whole_number_beyond_64_bits_is_null_in_parquet(tmp_path: Path) -> None:
    """The largest count of a record is larger still as a float; it costs its own cell alone."""
    step = msgspec.structs.replace(records.record().steps[-1], role="steady")
    good = records.record(launch=2)
    memory = Memory(host_rss_peak_bytes=MOST, allocated_peak_bytes=MOST)
    phases = tuple(msgspec.structs.replace(phase, memory=memory) for phase in good.phases)
    changed = msgspec.structs.replace(good, launch=1, phases=phases, steps=(*good.steps, step))
    path = journal(tmp_path, seal(changed), good)
    table = pyarrow.parquet.read_table(exported(path, tmp_path / "a", "--format", "parquet"))
    assert table.num_rows == 2
    assert table["peak_allocated_bytes"].to_pylist()[0] is None
    assert table["tokens_per_second"].null_count == 0


def test_parquet_needs_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Bytes do not go to a terminal, and a file that is there is not replaced."""
    path = journal(tmp_path, records.record())
    assert main(["export", path, "--format", "parquet"]) == 2
    assert "--out results.parquet" in capsys.readouterr().err
    exported(path, tmp_path / "rows.parquet", "--format", "parquet")
    assert main(["export", path, "--format", "parquet", "--out", f"{tmp_path}/rows.parquet"]) == 2


#: Kills itself where half of a file is written, interrupts itself there, or has no space.
BROKEN = """
import errno, os, signal, sys
from suite.cli import main
write = os.write
def broken(descriptor, content):
    if descriptor > 2:
        write(descriptor, bytes(content)[: len(content) // 2])
        if sys.argv[1] == "full":
            raise OSError(errno.ENOSPC, "No space left on device")
        os.kill(os.getpid(), signal.SIGKILL if sys.argv[1] == "kill" else signal.SIGTERM)
    return write(descriptor, content)
os.write = broken
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.parametrize("form", ["csv", "parquet"])
@pytest.mark.parametrize(("how", "code"), [("kill", -9), ("end", 143), ("full", 3)])
def test_a_file_is_there_whole_or_not_at_all(
    tmp_path: Path, form: str, how: str, code: int
) -> None:
    """A table cut off looks like one with fewer rows; and the next call tidies up."""
    path, out = journal(tmp_path, records.record()), tmp_path / "made" / "table"
    arguments = ["export", path, "--format", form, "--out", str(out)]
    broken = subprocess.run(
        [sys.executable, "-c", BROKEN, how, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert broken.returncode == code
    assert not out.exists()
    assert how == "kill" or not list(out.parent.iterdir())
    assert main(arguments) == 0
    assert list(out.parent.iterdir()) == [out]


def test_methods_choose_rows_without_losing_their_reference(tmp_path: Path) -> None:
    """One method alone still says whether its losses agree with the method left out."""
    path = journal(tmp_path, records.record(), records.record(method="unsloth-lora", loss=6.9))
    out = exported(path, tmp_path / "a", "--format", "json", "--methods", "unsloth-lora")
    (row,) = json.loads(Path(out).read_text())
    assert (row["method"], row["parity"]) == ("unsloth-lora", "differs")
    assert main(["export", path, "--methods", "unsloth-lara"]) == 2


def test_a_badge_says_number_card_and_in_its_title_the_work(tmp_path: Path) -> None:
    """The number is the median over launches; the title holds what makes it comparable."""
    found = [
        gpu_records.record(method="unsloth-lora", launch=launch, seconds=seconds)
        for launch, seconds in ((1, 0.1), (2, 0.12), (3, 0.3))
    ]
    path = journal(tmp_path, gpu_records.record(), *found)
    out = exported(path, tmp_path / "badge.svg", "--format", "badge", "--methods", "unsloth-lora")
    svg = ElementTree.parse(out).getroot()
    rates = sorted(all_metrics()["tokens_per_second"].compute(record) or 0 for record in found)
    name, said = [each.text for each in svg.iter(f"{SVG}text")]
    assert name == "qwen3-8b-unsloth-lora"
    assert said == f"{rates[1]:,.0f} token/s on NVIDIA H200"
    title = svg.findtext(f"{SVG}title")
    assert title == svg.attrib["aria-label"]
    assert "Qwen3-8B · Unsloth LoRA" in title
    assert "3 repeats; random weights" in title
    assert float(svg.attrib["width"]) < 500


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (gpu_records.failed(method="full"), "Out of memory while loading the weights on"),
        (gpu_records.record(method="unsloth-lora", loss=7.5), "losses differ from the reference"),
        (gpu_records.record(method="full", steps=()), "throughput unknown on"),
    ],
)
def test_a_badge_never_shows_a_number_that_does_not_count(
    tmp_path: Path, record: Record, said: str
) -> None:
    """No memory, other losses, no steps: said in words, and no token/s."""
    path = journal(tmp_path, gpu_records.record(), record)
    out = exported(path, tmp_path / "b.svg", "--format", "badge", "--methods", record.method)
    text = Path(out).read_text()
    assert said in text
    assert "token/s" not in text


def test_a_badge_is_of_one_case(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Several are named, with how to choose; no case at all is said as well."""
    path = journal(tmp_path, records.record(), records.record(method="qlora"))
    assert main(["export", path, "--format", "badge"]) == 2
    said = capsys.readouterr().err
    assert "here are 2: tiny-qwen3-lora in session" in said
    assert "--methods" in said


def test_markup_in_a_badge_stays_text(tmp_path: Path) -> None:
    """A stranger's text cannot end a tag or an attribute, nor make the badge wide."""
    hostile = "\"><script>alert(1)</script>]]>\x1b[2J&'" + "w" * 500
    case = msgspec.structs.replace(records.case(), case_id="w" * 240)
    gpu = gpu_records.record().environment.gpu
    assert gpu is not None
    environment = msgspec.structs.replace(
        records.environment(), gpu=msgspec.structs.replace(gpu, name=hostile)
    )
    record = records.record(
        case=case, case_id=case.case_id, weights=hostile, environment=environment
    )
    out = exported(journal(tmp_path, record), tmp_path / "badge.svg", "--format", "badge")
    svg = ElementTree.parse(out).getroot()
    tags = {each.tag.removeprefix(SVG) for each in svg.iter()}
    assert tags == {"svg", "title", "rect", "path", "g", "text"}
    assert float(svg.attrib["width"]) < 1000
