"""What stands in one chart of a model is comparable, and lies where its numbers say."""

import re
from pathlib import Path

import pytest

from reports.analysis.comparable_sets import comparable_sets, pareto_front
from reports.analysis.dataset import load
from reports.analysis.workloads import work_groups
from reports.pages.model.page import models
from suite import units
from suite.catalog.tier import Workload
from suite.results.record import Record
from support import gpu_records, sites
from support.model_pages import drawn, page, rows, titles, tokens_of

GIB = 1 << 30


def test_other_work_is_not_in_one_chart() -> None:
    """Full fine-tuning, other weights, loops and lengths are sets of their own."""
    other = Workload(sequence_tokens=4096, batch_sequences=1)
    found = [
        gpu_records.record(),
        gpu_records.record(method="unsloth-lora"),
        gpu_records.record(method="full"),
        gpu_records.record(method="qlora", weights="hub 0123"),
        gpu_records.failed(method="lora-liger"),
        gpu_records.record(method="lora-naive", workload=other, suffix="-long"),
    ]
    (tuned,) = models(load(sites.collection(*found)))
    together = [[entry.method for entry in peers.entries] for peers in tuned.comparable_sets]
    assert sorted(map(sorted, together)) == [
        ["full"],
        ["lora", "lora-liger", "unsloth-lora"],
        ["lora-naive"],
        ["qlora"],
    ]


def on_front(*found: Record) -> list[str]:
    dataset = load(sites.collection(*found))
    (work,) = work_groups(dataset)
    (peers,) = comparable_sets(work, dataset)
    return [entry.method for entry in pareto_front(peers.entries)]


def test_the_pareto_front_is_what_nothing_beats() -> None:
    """Slower in more memory is beaten; equals stay; wrong losses and lone rows make no front."""
    fast = gpu_records.record(method="unsloth-lora", seconds=0.05, allocated=20 * GIB)
    small = gpu_records.record(method="unsloth-qlora", seconds=0.1, allocated=8 * GIB)
    beaten = gpu_records.record(method="lora", seconds=0.1, allocated=9 * GIB)
    slow = gpu_records.record(method="lora-naive", seconds=0.3, allocated=30 * GIB)
    assert on_front(slow, fast, beaten, small) == ["unsloth-qlora", "unsloth-lora"]
    equal = gpu_records.record(method="qlora", seconds=0.1, allocated=8 * GIB)
    assert set(on_front(fast, small, equal)) == {"unsloth-qlora", "qlora", "unsloth-lora"}
    wrong = gpu_records.record(method="unsloth-lora", seconds=0.01, loss=7.9, allocated=1 * GIB)
    assert on_front(beaten, wrong, slow) == ["lora"]
    assert on_front(fast, gpu_records.failed(method="qlora")) == []


def test_the_front_is_named_in_chart_table_and_words(tmp_path: Path) -> None:
    """The same methods stand on the line, in the column and in the sentence."""
    opened = page(
        tmp_path,
        gpu_records.record(method="unsloth-lora", seconds=0.05, allocated=20 * GIB),
        gpu_records.record(method="unsloth-qlora", seconds=0.1, allocated=8 * GIB),
        gpu_records.record(method="lora", seconds=0.2, allocated=22 * GIB),
    )
    listed = [
        r["Method"].text for r in rows(opened, "work-1") if r["Pareto front"].text == "on it"
    ]
    assert sorted(listed) == ["Unsloth LoRA", "Unsloth QLoRA"]
    assert "least memory first: Unsloth QLoRA, Unsloth LoRA." in opened.text
    (line,) = {text for text in titles(opened) if text.startswith("Pareto front: ")}
    assert re.findall(r"(\w+ \w+): ", line.removeprefix("Pareto front: ")) == [
        "Unsloth QLoRA",
        "Unsloth LoRA",
    ]


SWEEP = ((512, 8), (1024, 4), (2048, 2))


def test_curves_join_works_that_differ_in_length_only(tmp_path: Path) -> None:
    """As many tokens a batch, other lengths: a curve a method; a failure is a cross in words."""
    found = []
    for length, batch in SWEEP:
        work = Workload(sequence_tokens=length, batch_sequences=batch)
        for method in ("lora", "qlora"):
            make = gpu_records.failed if (length, method) == (2048, "lora") else gpu_records.record
            found.append(make(method=method, workload=work, suffix=f"-s{length}"))
    odd = Workload(sequence_tokens=8192, batch_sequences=3)
    found.append(gpu_records.record(workload=odd, suffix="-odd"))
    opened = page(tmp_path, *found)
    assert len(opened.all("h2")) == len({e.text for e in opened.all("h2")})
    listed = rows(opened, "length-1")
    assert len([row for row in listed if "Method" in row]) - 1 == 6
    assert not any("8,192" in row["Workload"].text for row in listed)
    said = titles(opened)
    assert any(re.fullmatch(r"LoRA, 512 tokens: .*; LoRA, 1,024 tokens: .*", t) for t in said)
    assert "2,048 tokens: LoRA: out of memory while loading the weights" in said


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ({"sequence_tokens": 512}, {"sequence_tokens": 1024, "batch_sequences": 3}),
        ({"sequence_tokens": 512}, {"sequence_tokens": 1024, "gradient_accumulation": 2}),
        (
            {"sequence_tokens": 512, "data": "real-length"},
            {"sequence_tokens": 1024, "data": "real-length"},
        ),
    ],
)
def test_what_differs_in_more_than_length_is_no_curve(
    tmp_path: Path, one: dict[str, object], two: dict[str, object]
) -> None:
    """Another batch and step, accumulation, or data that the length cuts make no curve."""
    opened = page(
        tmp_path,
        *(
            gpu_records.record(workload=Workload(**{"batch_sequences": 4, **each}), suffix=f"-{n}")
            for n, each in enumerate((one, two))
        ),
    )
    assert "lengths" not in opened.ids


def test_packings_stand_side_by_side_with_their_padding(tmp_path: Path) -> None:
    """Real tokens per second of each way, and the share of padding, out of the records."""
    found = {}
    for packing, batch in (("none", 8), ("padding-free", 8), ("packed", 2)):
        work = Workload(
            sequence_tokens=2048, batch_sequences=batch, data="real-length", packing=packing
        )
        found[packing] = gpu_records.record(
            workload=work, suffix=f"-{packing}", seconds=0.1 * batch
        )
    opened = page(tmp_path, *found.values())
    listed = [row for row in rows(opened, "padding-1") if "Rows" in row][1:]
    assert [row["Rows"].text for row in listed] == [
        "padded, 8 rows",
        "padding-free, 8 rows",
        "packed, 2 rows",
    ]
    for row, record in zip(listed, found.values(), strict=True):
        values = [e.attributes["value"] for e in opened.all("data") if row["Token/s"] in e.parents]
        assert values == [repr(tokens_of(record))]
        steps = [step for step in record.steps if step.role == "steady"]
        real = sum(step.tokens_real for step in steps)
        share = 1 - real / sum(step.tokens_padded for step in steps)
        assert row["Share of padding"].text == units.percent(share)


def test_points_lie_at_their_memory_and_throughput(tmp_path: Path) -> None:
    """Twice the memory is twice as far right; twice the tokens are twice as high."""
    opened = page(
        tmp_path,
        gpu_records.record(seconds=0.1, allocated=20 * GIB),
        gpu_records.record(method="qlora", seconds=0.1, allocated=10 * GIB),
        gpu_records.record(method="unsloth-lora", seconds=0.05, allocated=10 * GIB),
    )
    points = {
        title.split(":")[0]: tuple(map(float, re.findall(r"[\d.]+", mark["transform"])))
        for title, mark in drawn(opened, "Memory vs").items()
        if "transform" in mark
    }
    lora, qlora, fast = points["LoRA"], points["QLoRA"], points["Unsloth LoRA"]
    assert lora[0] / qlora[0] == pytest.approx(2, rel=0.01)
    assert fast[0] == qlora[0]
    ground = 2 * qlora[1] - fast[1]  # y counts from the top
    assert lora[1] == qlora[1]
    assert ground == pytest.approx(250, abs=1), "the height of the plot"


def test_bars_of_the_ladder_are_as_long_as_their_ratios(tmp_path: Path) -> None:
    """A method twice as fast as its baseline has twice the length of one that is as fast."""
    opened = page(
        tmp_path,
        gpu_records.record(seconds=0.1),
        gpu_records.record(method="qlora", seconds=0.1),
        gpu_records.record(method="unsloth-lora", seconds=0.05),
    )
    bars = drawn(opened, "Speed vs each baseline")
    lengths = {
        title: float(re.match(r"M0,[\d.]+h([\d.]+)v", mark["d"])[1])
        for title, mark in bars.items()
    }
    double, same = (
        lengths["Unsloth LoRA vs LoRA: 2.0×"],
        lengths["QLoRA vs LoRA: 1.0×"],
    )
    assert double / same == pytest.approx(2, rel=0.01)
