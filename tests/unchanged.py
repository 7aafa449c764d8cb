"""Write down what a change of the code's structure must not change.

``PYTHONPATH=. python tests/unchanged.py OUT`` before and after; then ``diff -r`` tells. OUT gets
every published journal decoded and encoded anew, the schema, every export of the published
results, and their whole site.
"""

import contextlib
import sys
from pathlib import Path

import msgspec

from suite.cli import main as tunebench
from suite.results import schema
from suite.results.lazy import resolve
from suite.results.storage.reader import read

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "reports" / "results"
FORMATS = ("csv", "json", "jsonl", "markdown", "parquet")


def write(out: Path) -> None:
    """Fill ``out``, which must not exist yet."""
    out.mkdir(parents=True)
    for journal in sorted(RESULTS.glob("*/*/journal.jsonl")):
        found = read([journal.parent]).records
        records = [msgspec.json.encode(each, enc_hook=resolve) for each in found]
        (out / f"{journal.parent.name}.jsonl").write_bytes(b"\n".join(records) + b"\n")
    (out / "schema.json").write_text(schema.text(), encoding="utf-8")
    for kind in FORMATS:
        _tunebench("export", str(RESULTS), "--format", kind, "--out", str(out / f"export.{kind}"))
    _tunebench("report", str(RESULTS), "--out", str(out / "site"))


def _tunebench(*arguments: str) -> None:
    with contextlib.redirect_stdout(sys.stderr):
        if tunebench(list(arguments)) != 0:
            raise SystemExit(f"failed: {arguments[0]}")


if __name__ == "__main__":
    write(Path(sys.argv[1]).absolute())
