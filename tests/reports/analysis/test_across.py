"""What ran on several cards stands side by side only where the work is the same."""

import msgspec

from reports.analysis.dataset import load
from reports.analysis.workloads import profile_titles, work_groups
from suite.results.metrics import all_metrics
from suite.results.pooled import paired
from support import cards, gpu_records, sites


def test_one_case_on_two_cards_is_one_work() -> None:
    """Runs and cards differ, the case does not: one row of two cells."""
    ours = [gpu_records.record(), gpu_records.record(method="qlora")]
    theirs = cards.on_card(ours[:1], "a-card", slower=2.0)
    dataset = load(sites.collection(*ours, *theirs))
    (work,) = work_groups(dataset)
    assert [method.name for method in work.methods] == ["lora", "qlora"]
    assert work.profiles == ("a-card", "h200-sxm")
    assert set(work.cells) == {("lora", "h200-sxm"), ("qlora", "h200-sxm"), ("lora", "a-card")}
    assert [cell.shown.case.method.name for cell in work.on("a-card")] == ["lora"]
    assert profile_titles(dataset)["a-card"] == "a-card"


def test_other_work_is_kept_apart() -> None:
    """Another length, loop or seed is another work; smaller models and shorter rows come first."""
    record = gpu_records.record()
    longer = msgspec.structs.replace(record.case.workload, sequence_tokens=8192)
    found = [
        gpu_records.record("qwen3-32b"),
        gpu_records.record(workload=longer, suffix="-s8192"),
        gpu_records.record(run_id="20261124T060000Z-00000001"),
    ]
    listed = work_groups(load(sites.collection(*found)))
    assert [(work.model.name, work.workload.sequence_tokens) for work in listed] == [
        ("qwen3-8b", record.case.workload.sequence_tokens),
        ("qwen3-8b", 8192),
        ("qwen3-32b", record.case.workload.sequence_tokens),
    ]


def test_the_newest_run_with_numbers_is_shown_and_the_others_are_kept() -> None:
    """A newer failure does not hide an older number, and neither is dropped."""
    old = gpu_records.record(run_id="old", started_at="2026-11-01T00:00:00Z")
    new = gpu_records.record(run_id="new", started_at="2026-11-02T00:00:00Z")
    failed = gpu_records.failed(run_id="failed", started_at="2026-11-03T00:00:00Z")
    (work,) = work_groups(load(sites.collection(old, failed, new)))
    (cell,) = work.cells.values()
    assert [record.run_id for record in cell.shown.records] == ["old", "new"]
    assert [group.first.run_id for group in cell.others] == ["failed"]
    assert [group.first.run_id for group in cell.sessions] == ["failed", "new", "old"]


def test_a_method_that_ran_again_alone_keeps_its_ratios() -> None:
    """Its number is of both sessions; its ratio is of the one that has its baseline as well."""
    ladder = [
        gpu_records.record(method=name, run_id="ladder", started_at="2026-11-01T00:00:00Z")
        for name in ("lora", "qlora")
    ]
    alone = gpu_records.record(run_id="alone", started_at="2026-11-02T00:00:00Z", seconds=0.2)
    (work,) = work_groups(load(sites.collection(*ladder, alone)))
    lora, qlora = (work.cells[name, "h200-sxm"].shown for name in ("lora", "qlora"))
    assert [record.run_id for record in lora.records] == ["ladder", "alone"]
    ratio = paired(lora, qlora, all_metrics()["tokens_per_second"])
    assert ratio is not None
    assert (ratio.value, ratio.pairs) == (1, 1)
