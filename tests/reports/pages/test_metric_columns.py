"""A metric is a column of a table by its own word, written in its one file."""

from pathlib import Path

import msgspec
import pytest

from reports.site.build import build
from reports.text import phrases
from suite.results import metrics
from support import gpu_records, sites
from support.model_pages import rows


def test_a_metric_is_a_column_where_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its number stands in the table of all records and in that of a model's methods."""
    every = metrics.all_metrics()
    shown = msgspec.structs.replace(every["first_loss"], columns=("records", "methods"))
    monkeypatch.setattr(metrics, "all_metrics", lambda: {**every, "first_loss": shown})
    record = gpu_records.record(method="lora")
    site = build(sites.collection(record), tmp_path / "site").parent

    loss = shown.compute(record)
    assert loss is not None
    text = phrases.number(shown, loss)
    for name in ("all-results.html", "models/qwen3-8b.html"):
        found = [row for row in rows(sites.Page(site / name)) if shown.title in row]
        assert [row[shown.title].text for row in found] == [shown.title, text], name
