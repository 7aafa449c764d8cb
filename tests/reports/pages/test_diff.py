"""Two records of one case: what differs is listed, and nothing else."""

from pathlib import Path

import msgspec

from reports.analysis.dataset import load
from reports.pages import diff
from reports.site.build import build
from suite.results.record import Record
from support import cards, gpu_records, records, sites


def _page(tmp_path: Path, *found: Record) -> sites.Page:
    site = build(sites.collection(*found), tmp_path / "site").parent
    assert not sites.broken_links(site)
    (path,) = (site / "diffs").iterdir()
    return sites.Page(path)


def _rows(page: sites.Page, part: str) -> list[str]:
    (section,) = [e for e in page.all("section") if e.attributes["aria-labelledby"] == part]
    return [row.text for row in page.all("tr") if section in row.parents][1:]


def _on(version: str, **changes: object) -> Record:
    record = gpu_records.record(**changes)  # type: ignore[arg-type]  # a test's own keywords
    versions = record.environment.versions
    assert versions is not None
    packages = {**versions.packages, "peft": version}
    environment = msgspec.structs.replace(
        record.environment, versions=msgspec.structs.replace(versions, packages=packages)
    )
    return gpu_records.record(**changes, environment=environment)  # type: ignore[arg-type]


def test_what_an_upgrade_changed_is_listed_older_run_left(tmp_path: Path) -> None:
    """One package, one time; what stayed the same is no row."""
    old = _on("0.20.0", run_id="old", started_at="2026-11-01T00:00:00Z", seconds=0.2)
    new = _on("0.21.2", run_id="new", started_at="2026-11-02T00:00:00Z", seconds=0.3)
    page = _page(tmp_path, new, old)
    assert _rows(page, "packages") == ["peft 0.20.0 0.21.2"]
    (step,) = [row for row in _rows(page, "numbers") if row.startswith("Step time ")]
    assert step.endswith("+50 %")
    assert _rows(page, "request") == []
    assert "No difference." in page.text
    assert "Agrees: the first loss differs by 0.00 %" in page.text
    assert "no gradient norm differs by more than 0.00 %." in page.text
    record_page = sites.Page(page.path.parents[1] / f"records/{old.record_id}.html")
    assert any(page.path.name in link.attributes["href"] for link in record_page.all("a"))


def test_one_case_on_two_cards_names_the_cards(tmp_path: Path) -> None:
    """Left and right are named by card, and the GPU stands among what differs."""
    ours = gpu_records.record()
    page = _page(tmp_path, ours, *cards.on_card([ours], "z-card", slower=2.0))
    assert any(
        row.startswith("GPU name NVIDIA H200 Synthetic") for row in _rows(page, "environment")
    )
    assert "z-card" in page.all("dl")[0].text


def test_other_work_has_no_ratios(tmp_path: Path) -> None:
    """The same case that trained another number of parameters is not the same work."""
    one = gpu_records.record(run_id="one", started_at="2026-11-01T00:00:00Z")
    two = gpu_records.record(
        run_id="two",
        started_at="2026-11-02T00:00:00Z",
        effective=records.effective(trainable_parameters=1),
    )
    page = _page(tmp_path, one, two)
    assert _rows(page, "numbers") == []
    assert "No ratios: it trains 1 parameters" in page.text
    assert "Not compared: it trains 1 parameters" in page.text


def test_a_failure_beside_a_number_says_unknown(tmp_path: Path) -> None:
    """A run out of memory on one card does not vanish from the pair."""
    ours = gpu_records.failed()
    theirs = cards.on_card([gpu_records.record()], "z-card", slower=1.0)
    page = _page(tmp_path, ours, *theirs)
    (step,) = [row for row in _rows(page, "numbers") if row.startswith("Step time ")]
    assert "unknown" in step


def test_pairs_grow_with_the_records_not_with_their_square() -> None:
    """Ten cards and two runs on each: a case joins 10 + 9 pairs, not 190."""
    ours = [gpu_records.record(run_id=run_id) for run_id in ("a", "b")]
    others = [
        copy
        for number in range(9)
        for record in ours
        for copy in cards.on_card([record], f"card-{number}", slower=1.0)
    ]
    assert len(list(diff.pairs(load(sites.collection(*ours, *others))))) == 19
