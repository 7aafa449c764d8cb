"""The History page: one case over its runs, and what changed between them."""

from pathlib import Path

import msgspec

from reports.site.build import build
from suite.results.record import Record
from support import gpu_records, sites

SCATTER = (0.998, 0.999, 1.0, 1.001, 1.002)


def run(number: int, version: str, seconds: float, launches: int = 5) -> list[Record]:
    """Launches of LoRA on a day of November, with a version of PEFT."""
    found = []
    for launch in range(1, launches + 1):
        record = gpu_records.record(
            run_id=f"run-{number}",
            launch=launch,
            seconds=seconds * SCATTER[launch - 1],
            started_at=f"2026-11-{number:02}T00:00:00Z",
        )
        versions = record.environment.versions
        assert versions is not None
        packages = {**versions.packages, "peft": version}
        environment = msgspec.structs.replace(
            record.environment, versions=msgspec.structs.replace(versions, packages=packages)
        )
        found.append(
            gpu_records.record(
                run_id=record.run_id,
                launch=launch,
                seconds=seconds * SCATTER[launch - 1],
                started_at=record.started_at,
                environment=environment,
            )
        )
    return found


def _page(tmp_path: Path, *found: Record) -> sites.Page:
    site = build(sites.collection(*found), tmp_path / "site").parent
    assert not sites.broken_links(site)
    return sites.Page(site / "history.html")


def _rows(page: sites.Page) -> list[str]:
    return [row.text for row in page.all("tr") if "run-" in row.text]


def test_a_slower_version_shows_where_it_came_in(tmp_path: Path) -> None:
    """Oldest run first; the package and the level stand in the row of the run that had them."""
    found = [*run(3, "0.21", 0.11), *run(1, "0.20", 0.1), *run(2, "0.20", 0.1)]
    first, second, third = _rows(_page(tmp_path, *found))
    assert first.startswith("run-1")
    assert "none" in second
    assert "step time" not in second
    assert "peft 0.20 → 0.21" in third
    assert "+10.0 % step time, p = 0.00" in third


def test_few_launches_are_no_test(tmp_path: Path) -> None:
    """Two runs of one launch are listed, with their numbers, and nothing is called a change."""
    page = _page(tmp_path, *run(1, "0.20", 0.1, 1), *run(2, "0.21", 0.2, 1))
    assert len(_rows(page)) == 2
    assert "Too few repeats to tell: 2 of 10 at most" in page.text
    assert "step time, p" not in page.text


def test_a_case_that_ran_once_has_no_history(tmp_path: Path) -> None:
    """There is no page, and none that links to it."""
    found = sites.collection(*run(1, "0.20", 0.1))
    site = build(found, tmp_path / "site").parent
    assert not (site / "history.html").exists()
    assert not sites.broken_links(site)


def test_the_page_begins_with_what_an_upgrade_did(tmp_path: Path) -> None:
    """Which packages ever changed, and in how many cases the level did; none is said as well."""

    def answer(folder: str, *found: Record) -> str:
        page = _page(tmp_path / folder, *found)
        (lead,) = (e for e in page.all("p") if e.attributes.get("class") == "lead")
        return lead.text

    slower = answer("slower", *run(1, "0.20", 0.1), *run(2, "0.21", 0.11))
    assert slower.startswith("peft changed between sessions, in 1 of 1 case.")
    assert slower.endswith("The step time changed its level in 1 of 1 case.")
    same = answer("same", *run(1, "0.20", 0.1), *run(2, "0.20", 0.1))
    assert same.startswith("No upgrade can be judged here: ")
    assert "peft 0.20" in same
    assert same.endswith("The step time changed its level in 0 of 1 case.")
