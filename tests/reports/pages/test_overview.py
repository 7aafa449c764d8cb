"""The tables below the first screen say what wins on which card, and what did not run."""

from pathlib import Path

import msgspec
import pytest

from reports.analysis.dataset import load
from reports.pages.overview import overview_tables
from reports.site.build import build
from reports.text.numbers import exact
from suite import units
from suite.results.metrics import all_metrics
from support import cards, gpu_records, records, sites


def _cell(page: sites.Page, method: str, column: int) -> str:
    tables = [each for each in page.all("table") if each.attributes.get("class") == "matrix"]
    rows = [row for row in page.all("tr") if set(tables) & set(row.parents)]
    rows = [row for row in rows if row.text.startswith(f"{method} ")]
    (row,) = rows
    cells = [cell for cell in page.all("td") if row in cell.parents]
    return cells[column].text


def test_each_method_has_a_cell_a_card(tmp_path: Path) -> None:
    """Numbers are the records'; what ran out of memory or never ran is said in words."""
    ours = [
        gpu_records.record(seconds=0.2),
        gpu_records.record(method="unsloth-lora", seconds=0.1),
        gpu_records.failed(method="full"),
    ]
    theirs = cards.on_card(ours[:1], "a-card", slower=2.0)
    found = sites.collection(*ours, *theirs)
    page = sites.Page(build(found, tmp_path / "site"))
    assert "not run" in _cell(page, "Unsloth LoRA", 0)
    assert "2.0× LoRA" in _cell(page, "Unsloth LoRA", 1)
    assert "fastest" in _cell(page, "Unsloth LoRA", 1)
    assert "fastest" not in _cell(page, "LoRA", 0), "nothing was compared there"
    assert "Out of memory" in _cell(page, "Full fine-tuning", 1)
    values = {e.attributes["value"] for e in page.all("data")}
    for record in (*ours[:2], *theirs):
        rate = all_metrics()["tokens_per_second"].compute(record)
        assert rate is not None
        assert exact(rate) in values


def test_a_fast_wrong_run_is_no_winner(tmp_path: Path) -> None:
    """Where the losses differ the number stands with that warning, and another method wins."""
    found = sites.collection(
        gpu_records.record(seconds=0.2),
        gpu_records.record(method="lora-liger", seconds=0.15),
        gpu_records.record(method="unsloth-lora", seconds=0.1, steps=records.steps(0.1, loss=7.0)),
    )
    page = sites.Page(build(found, tmp_path / "site"))
    assert "losses differ" in _cell(page, "Unsloth LoRA", 0)
    assert "fastest" not in _cell(page, "Unsloth LoRA", 0)
    assert "fastest" in _cell(page, "LoRA + Liger", 0)


def test_what_the_noise_could_turn_round_has_no_winner() -> None:
    """Ranges that touch, a CPU, and a launch that does not know its own error."""
    close = [gpu_records.record(launch=n, seconds=0.1 + 0.02 * n) for n in (1, 2)]
    close += [gpu_records.record(method="qlora", launch=n, seconds=0.13) for n in (1, 2)]
    cpu = [records.record(seconds=0.2), records.record(method="qlora", seconds=0.1)]
    few = records.steps(count=2), records.steps(0.2, count=2)
    short = [
        gpu_records.record(method=name, steps=steps)
        for name, steps in zip(("lora", "qlora"), few, strict=True)
    ]
    for found in (close, cpu, short):
        (table,) = overview_tables(load(sites.collection(*found)), {})
        assert not any(cell.best for row in table.rows for cell in row.cells if cell)


def test_other_adapters_are_another_race() -> None:
    """Adapters on the experts too train 89 times as much: the faster of the two is no winner."""
    found = [
        gpu_records.record("gpt-oss-120b", "unsloth-qlora", seconds=1.0),
        gpu_records.record("gpt-oss-120b", "unsloth-qlora-experts", seconds=2.0),
    ]
    (table,) = overview_tables(load(sites.collection(*found)), {})
    assert [cell.best for row in table.rows for cell in row.cells if cell] == [False, False]


def test_steps_that_had_not_settled_are_said_to_be_so(tmp_path: Path) -> None:
    """Beside the number, on the first page already, with how well the launch knows it."""
    steady = gpu_records.record()
    moved = gpu_records.record(method="qlora", steps=records.moved_steps())
    page = sites.Page(build(sites.collection(steady, moved), tmp_path / "site"))
    assert "did not settle" not in _cell(page, "LoRA", 0)
    assert "1 repeat, step time did not settle" in _cell(page, "QLoRA", 0)
    for name, record in (("LoRA", steady), ("QLoRA", moved)):
        error = all_metrics()["step_seconds_error"].compute(record)
        assert error is not None
        assert f" ± {units.percent(error)} · " in _cell(page, name, 0)


def test_several_launches_have_their_range_and_no_error(tmp_path: Path) -> None:
    """How far launches lie apart says more than one of them knows."""
    found = [gpu_records.record(launch=n, seconds=0.1 + 0.01 * n) for n in (1, 2)]
    page = sites.Page(build(sites.collection(*found), tmp_path / "site"))
    rates = [all_metrics()["tokens_per_second"].compute(record) for record in found]
    low, high = (units.rate(rate, "").strip() for rate in sorted(filter(None, rates)))
    assert f" {low}–{high} · " in _cell(page, "LoRA", 0)
    assert "±" not in _cell(page, "LoRA", 0)


def test_a_ratio_is_never_taken_across_runs() -> None:
    """A method that only another run holds has no ratio."""
    ladder = [gpu_records.record(method=name, run_id="ladder") for name in ("lora", "qlora")]
    other = gpu_records.record(method="unsloth-lora", run_id="other", seconds=0.05)
    (table,) = overview_tables(load(sites.collection(*ladder, other)), {})
    (cell,) = [row.cells[0] for row in table.rows if row.method == "Unsloth LoRA"]
    assert cell is not None
    assert cell.ratio is not None
    assert cell.ratio.text == "no ratio"


@pytest.mark.parametrize("number", [1, 10])
def test_the_table_has_a_column_a_card(tmp_path: Path, number: int) -> None:
    """One card or ten: a heading each, and the page's own links lead somewhere."""
    names = [f"card-{index}" for index in range(1, number)]
    ours = [gpu_records.record()]
    found = sites.collection(*ours, *cards.many(ours, names))
    site = build(found, tmp_path / "site").parent
    page = sites.Page(site / "index.html")
    (table,) = [each for each in page.all("table") if each.attributes.get("class") == "matrix"]
    heads = [
        each.text
        for each in page.all("th")
        if each.attributes.get("scope") == "col" and table in each.parents
    ]
    assert len(heads) == 1 + number
    (model,) = [each for each in page.all("a") if each.text == "Qwen3-8B"]
    assert model.attributes["href"] == "models/qwen3-8b.html"
    assert not sites.broken_links(site)
    assert msgspec.json.decode((site / f"records/{ours[0].record_id}.json").read_bytes())
