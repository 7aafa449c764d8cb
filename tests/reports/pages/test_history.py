"""The History page: one case over its runs, and what changed between them."""

from pathlib import Path

import msgspec

from reports.site.build import build
from suite.results.record import Record, seal
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


def sessions(*seconds: float) -> list[Record]:
    """A session a day, a tenth of a percent apart; the last four with another PEFT."""
    found = []
    for number, value in enumerate(seconds, 1):
        version = "0.21" if number > len(seconds) - 4 else "0.20"
        found += run(number, version, value * (1 + 0.001 * (number % 3)), 2)
    return found


def test_a_slower_version_shows_where_it_came_in(tmp_path: Path) -> None:
    """Oldest run first; the package and the level stand in the row of the run that had them."""
    found = sessions(*[0.1] * 4, *[0.11] * 4)
    rows = _rows(_page(tmp_path, *reversed(found)))
    assert rows[0].startswith("run-1")
    assert "none" in rows[1]
    assert not any("step time" in row for row in (*rows[:4], *rows[5:]))
    assert "peft 0.20 → 0.21" in rows[4]
    assert "% step time, p = 0.00" in rows[4]


def test_few_sessions_are_no_test(tmp_path: Path) -> None:
    """Two runs are listed, with their numbers, and nothing is called a change."""
    page = _page(tmp_path, *run(1, "0.20", 0.1), *run(2, "0.21", 0.2))
    assert len(_rows(page)) == 2
    assert "Too few sessions of one GPU to tell: 2 of 8 at most" in page.text
    assert "step time, p" not in page.text


def test_two_gpus_of_one_kind_are_told_apart(tmp_path: Path) -> None:
    """Four sessions on a fast one, then four on a slow one: no change of either."""
    found = []
    for record in sessions(*[0.1] * 4, *[0.11] * 4):
        gpu = record.environment.gpu
        assert gpu is not None
        name = "fast" if int(record.run_id.partition("-")[2]) <= 4 else "slow"
        gpu = msgspec.structs.replace(gpu, uuid_hash=f"{name}0123456789")
        environment = msgspec.structs.replace(record.environment, gpu=gpu)
        found.append(seal(msgspec.structs.replace(record, environment=environment)))
    page = _page(tmp_path, *found)
    rows = _rows(page)
    assert ["fast01" in row for row in rows] == [True] * 4 + [False] * 4
    assert not any("step time, p" in row for row in rows)
    assert "Too few sessions of one GPU to tell: 4 of 8 at most" in page.text


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

    slower = answer("slower", *sessions(*[0.1] * 4, *[0.11] * 4))
    assert slower.startswith("peft changed between sessions, in 1 of 1 case.")
    assert slower.endswith("The step time changed its level in 1 of 1 case.")
    same = answer("same", *run(1, "0.20", 0.1), *run(2, "0.20", 0.1))
    assert same.startswith("No upgrade can be judged here: ")
    assert "peft 0.20" in same
    assert same.endswith("To tell whether a step time changed level takes 8 sessions on one GPU.")
