"""Searches for what fits: one row each, apart from runs that tell a speed."""

from pathlib import Path

import msgspec

from reports.export.markdown import markdown
from reports.site.build import build
from suite.catalog.tier import Workload
from suite.results.plan import TRY
from suite.results.record import Record
from suite.results.storage.reader import Collection
from support import gpu_records, records, sites

COMMAND = ("probe", "--model", "qwen3-8b", "--method", "lora", "--max-batch", "--seq", "2048")


def tried(rows: int, *, fits: bool) -> Record:
    """A try with so many rows; where it fits its peak is as many GiB."""
    workload = Workload(sequence_tokens=2048, batch_sequences=rows)
    run = f"20261101T0000{rows:02d}Z-00000000"
    if fits:
        peak = rows * gpu_records.GIB
        return gpu_records.record(allocated=peak, workload=workload, run_id=run)
    return gpu_records.failed(workload=workload, run_id=run, outcome="oom", phase="steady")


def collection(*found: Record, tier: str = TRY) -> Collection:
    plan = records.plan(models=("qwen3-8b",), methods=("lora",))
    plans = (
        msgspec.structs.replace(
            plan,
            run_id=each.run_id,
            profile="h200-sxm",
            tier=tier,
            cases=(each.case,),
            argv=COMMAND,
        )
        for each in found
    )
    return sites.collection(*found, plans=tuple(plans))


def test_a_search_is_one_row_with_its_edge() -> None:
    """The most that ran below the least that did not, its peak, and the command; in any order."""
    found = [tried(16, fits=False), tried(4, fits=True), tried(12, fits=True)]
    text = markdown(collection(*found, tried(14, fits=False)), "searches")
    (row,) = [line for line in text.splitlines() if line.startswith("| Qwen3-8B")]
    assert "| 12 × 2,048 tokens, fixed-length sequences | 14 × 2,048 tokens" in row
    assert "| 12 GiB | 4 |" in row
    assert "./tunebench probe --model qwen3-8b --method lora --max-batch" in row


def test_what_ran_above_an_edge_is_not_held() -> None:
    """Memory that ran out once is the edge, whatever a larger try did."""
    found = [tried(4, fits=True), tried(8, fits=False), tried(16, fits=True)]
    text = markdown(collection(*found), "searches")
    assert "| 4 × 2,048 tokens, fixed-length sequences | 8 × 2,048 tokens" in text
    alone = markdown(collection(tried(8, fits=False)), "searches")
    assert "| nothing tried | 8 × 2,048 tokens" in alone


def test_tries_are_no_tables_of_their_own() -> None:
    """Each is a run, of too few steps to stand among those that tell a speed."""
    assert "## Sessions, newest first" not in markdown(collection(tried(4, fits=True)))
    assert "## Sessions, newest first" in markdown(
        collection(tried(4, fits=True), tier="standard")
    )


def test_tries_are_listed_as_work_only_where_there_is_nothing_else(tmp_path: Path) -> None:
    """Beside a run of the model on the card they would be noise; alone they are all there is."""
    found = [tried(4, fits=True), tried(8, fits=False)]
    index = build(collection(*found), tmp_path / "alone")
    assert "4 × 2,048 tokens" in sites.Page(index).text
    assert (index.parent / "gpus" / "h200-sxm.html").is_file()
    both = collection(*found)
    run = gpu_records.record(workload=Workload(sequence_tokens=512, batch_sequences=1))
    both = msgspec.structs.replace(
        both,
        records=(*both.records, run),
        sources={**both.sources, run.record_id: "runs/one/journal.jsonl"},
    )
    text = sites.Page(build(both, tmp_path / "both")).text
    assert "1 × 512 tokens" in text
    assert "4 × 2,048 tokens" not in text
