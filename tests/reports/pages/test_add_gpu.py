"""Add your GPU: the way to results of one's own, and whose they are wherever they are shown."""

import importlib
import shlex
from pathlib import Path

import msgspec
import pytest

from reports.pages import add_gpu
from reports.site.build import build
from suite import paths
from suite.catalog import profile as profiles
from suite.results.publish import publish
from suite.results.record import Origin
from suite.results.storage import run_folder
from suite.results.storage.run_folder import read
from support import contributed, sites

H100 = paths.RESULTS / "h100-sxm" / "20261128T005938Z-00bb50e3"
HERS = "NVIDIA GeForce RTX 4090 (by ada)"
BOBS = "20261129T005938Z-00bb50e4"


def bobs(made: Path) -> Path:
    """Publish our session once more as bob's: later, and twice as fast."""
    found = read([H100])
    plan = msgspec.structs.replace(found.plans[0], run_id=BOBS)
    with run_folder.create(made / "run-of-bob", plan) as run:
        for record in found.records:
            steps = (
                msgspec.structs.replace(step, seconds=step.seconds / 2) for step in record.steps
            )
            later = record.started_at.replace("2026-11-28", "2026-11-29")
            run.append(
                msgspec.structs.replace(record, run_id=BOBS, steps=tuple(steps), started_at=later)
            )
    return publish(made / "run-of-bob", made / "results", origin=Origin(name="bob"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a site of a session of ours, one of ada's on another GPU, and bob's on our kind."""
    made = tmp_path_factory.mktemp("given")
    hers = contributed.rtx_4090(made / "results", H100)
    return build(read([H100, hers, bobs(made)]), made / "site").parent


def test_every_command_is_one_that_the_suite_takes() -> None:
    """A stranger copies them: verb and options exist as they stand there."""
    typed = [shlex.split(command) for command, _ in add_gpu.COMMANDS]
    ours = [words[1:] for words in typed if words[0] == "./tunebench"]
    assert [words[0] for words in ours] == ["check", "run", "publish", "validate", "test"]
    for verb, *rest in ours:
        importlib.import_module(f"suite.verbs.{verb}").parser().parsed(rest)


def test_what_waits_is_what_nobody_measured(site: Path) -> None:
    """The catalog's GPUs without a record, by name; what was given is named with its giver."""
    page = sites.Page(site / "add-your-gpu.html")
    waiting = {each.text for each in page.all("small")}
    catalog = {each.name for each in profiles.everything() if each.has_gpu}
    assert waiting == catalog - {"h100-sxm", "rtx-4090"}
    assert f"2 of the {len(catalog)} GPUs in the catalog have results" in page.text
    links = {each.text: each.attributes["href"] for each in page.all("a")}
    assert links[HERS] == "gpus/rtx-4090.html"
    assert links["NVIDIA H100 SXM (by bob)"] == "gpus/h100-sxm.html"


def test_whose_a_result_is_stands_beside_it(site: Path) -> None:
    """In every table with the GPU, on its own page, its sessions and each of its records."""
    for name in ("index", "models/qwen3-8b", "gpus/rtx-4090", "all-results", "runs"):
        assert HERS in sites.Page(site / f"{name}.html").text, name
    # Plan shows another GPU at first: its other options are data of the page's script.
    assert '], "by ada"]' in (site / "plan.html").read_text(encoding="utf-8")
    told = [
        page.text
        for record in (site / "records").glob("*.html")
        if "a laptop on mains" in (page := sites.Page(record)).text
    ]
    assert len(told) == len(read([H100]).records)
    assert all("Measured by ada Their machine" in " ".join(text.split()) for text in told)


def test_our_number_stays_the_headline_beside_one_of_others(site: Path) -> None:
    """Bob's machine of our kind is faster and later: it is shown as his, pooled with nothing."""
    his = site.parent / "results" / "h100-sxm" / BOBS
    both = build(read([H100, his]), site.parent / "both").parent
    ours = build(read([H100]), site.parent / "ours").parent
    assert _row(both, "Unsloth LoRA") == _row(ours, "Unsloth LoRA")
    told = sites.Page(both / "models" / "qwen3-8b.html").text
    assert f"3 repeats, session {BOBS} by bob" in told
    assert "in 2 sessions" not in told


def _row(site: Path, method: str) -> str:
    rows = [each.text for each in sites.Page(site / "index.html").all("tr")]
    return next(row for row in rows if row.startswith(method))
