"""Whether a method fits a GPU, as a chart: its bars, the lines of sizes, what its title says."""

from pathlib import Path

import pytest

from reports.analysis.dataset import load
from reports.pages.fit_chart import fit_charts
from reports.site.build import build
from suite.results.record import Record
from support import gpu_records, sites

GIB = 1 << 30


def _chart(*found: Record) -> object:
    (plot,) = fit_charts(load(sites.collection(*found))).values()
    return plot


@pytest.mark.parametrize(
    ("qlora", "lora", "title"),
    [
        (10, 60, "QLoRA fits 24 GiB; LoRA needs 80"),
        (10, 12, "all 2 methods fit 24 GiB"),
        (60, 900, "QLoRA fits 80 GiB; LoRA fits no listed GPU"),
        (900, 901, "no method fits a listed GPU"),
    ],
)
def test_the_title_says_what_the_least_and_the_largest_need_fit(
    qlora: int, lora: int, title: str
) -> None:
    """Computed from the needs, with the lines up to the first GPU that holds the largest."""
    plot = _chart(
        gpu_records.record(method="lora", allocated=lora * GIB),
        gpu_records.record(method="qlora", allocated=qlora * GIB),
    )
    assert plot.caption.title == f"Qwen3-8B: {title}"
    head, *rows = plot.numbers
    assert head[:3] == ("Group", "Name", "GiB")
    assert [row[1] for row in rows] == ["QLoRA", "LoRA"], "the least first"
    assert rows[0][2] >= qlora
    assert "24 GiB RTX 4090" in plot.caption.description
    assert ("141" in plot.caption.description) is False


def test_the_files_of_a_chart_hold_its_numbers_and_its_drawing(tmp_path: Path) -> None:
    """CSV and SVG lie beside the page that links to them; the SVG needs no style of ours."""
    odd = gpu_records.record(method="qlora", allocated=10 * GIB)
    site = build(sites.collection(gpu_records.record(), odd), tmp_path / "site").parent
    assert not sites.broken_links(site)
    files = sorted(each.suffix for each in (site / "plots").iterdir())
    assert files.count(".csv") == files.count(".svg") == len(files) / 2 > 1
    for each in (site / "plots").glob("*.svg"):
        text = each.read_text(encoding="utf-8")
        assert text.startswith('<svg xmlns="http://www.w3.org/2000/svg"')
        assert "var(" not in text
    assert any("QLoRA" in each.read_text() for each in (site / "plots").glob("*.csv"))


def test_without_a_gpu_there_is_no_chart() -> None:
    """What a CPU's process held says nothing of a GPU."""
    assert fit_charts(load(sites.ordinary())) == {}
