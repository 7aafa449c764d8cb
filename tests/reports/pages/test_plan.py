"""The page that plans a job, as it is without a script."""

from pathlib import Path

import msgspec
import pytest

from reports.analysis.dataset import Dataset, load
from reports.pages.plan import page as plan_page
from reports.published import projected
from reports.sections import time_model
from reports.text.blocks import Points, Table
from suite import paths
from suite.catalog import profile as profiles
from suite.estimate import project
from suite.results.storage.run_folder import read
from support import cards, gpu_records, records, sites

RESULTS = paths.RESULTS / "h200-sxm"


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return load(read([RESULTS]))


@pytest.fixture(scope="module")
def site(h200_site: Path) -> Path:
    return h200_site


def test_the_page_opens_with_its_answer(site: Path) -> None:
    """Without a script: the sentence for the default job, its options, at most seven columns."""
    page = sites.Page(site / "plan.html")
    text = page.text.partition("Plan a job")[2]
    first = text.index("takes about")
    assert "On an RTX PRO 6000 Blackwell Max-Q, tuning Qwen3-32B on 120 M tokens" in text[:first]
    assert "Overnight (8 h): " in text
    assert first < text.index("Options, the quickest first")
    rows = sites.table(page, "Options, the quickest first")
    assert [len(row) for row in rows] == [7] * len(rows)
    assert 4 <= len(rows) <= 8


def test_options_are_sorted_by_time_and_measured_ones_lead_to_their_record(
    dataset: Dataset,
) -> None:
    """What has no time comes last; an estimate leads nowhere."""
    found = plan_page.page(dataset)
    assert found is not None
    timed = [row for row in found.rows if row.tokens]
    hours = [float(row.time.split(" h")[0].replace(",", "")) for row in timed]
    assert hours == sorted(hours)
    assert list(found.rows[: len(timed)]) == timed
    for row in timed:
        assert row.projected == ("estimated" in row.note) == (not row.page)
        assert " GiB" in row.memory


def test_without_a_gpu_there_is_no_plan() -> None:
    """Records of a CPU alone have nothing to show, and neither do GPUs without a time."""
    found = sites.collection(*sites.ordinary().records, *cards.many([gpu_records.record()], "a"))
    made = load(found)
    assert not plan_page.has_plan(load(sites.collection(records.record())))
    assert plan_page.page(load(sites.collection(records.record()))) is None
    assert time_model.errors(made) == time_model.published(made) == time_model.pairs(made) == []


def test_with_a_gpu_there_is_one(dataset: Dataset) -> None:
    """What the navigation asks agrees with what the page has."""
    assert plan_page.has_plan(dataset)
    assert plan_page.page(dataset) is not None


def test_options_without_a_time_say_why_and_lead_to_what_ran(tmp_path: Path) -> None:
    """The script has, of each of them, few words, the whole reason, and the record."""
    found = plan_page.page(load(read([paths.RESULTS])))
    assert found is not None
    data = found.data
    assert isinstance(data, dict)
    without = [
        option
        for model in data["options"].values()
        for length in model.values()
        for gpu in length.values()
        for option in gpu
        if option and len(option) == 4
    ]
    assert without
    known = {record.record_id for record in read([paths.RESULTS]).records}
    for _, _, reason, page in without:
        words, whole = data["reasons"][reason]
        assert words
        assert whole
        if words == "out of memory where it ran":
            assert Path(page).stem in known


def test_what_sources_say_of_two_cards_has_an_answer_for_each_method(dataset: Dataset) -> None:
    """Each claim has a list of answers, and a table with the parts of both steps."""
    blocks = time_model.pairs(dataset)
    answers = [block for block in blocks if isinstance(block, Points)]
    tables = [block for block in blocks if isinstance(block, Table)]
    claims = projected.faster_cards()
    assert len(answers) == len(tables) == len(claims) > 1
    for claim, said, parts in zip(claims, answers, tables, strict=True):
        assert len(said.texts) == len(claim.cases) > 0
        assert len(parts.rows) == 2 * len(claim.cases)
        for text in said.texts:
            assert "ahead" in text


def test_every_published_rate_is_compared_or_has_its_reason(dataset: Dataset) -> None:
    """None is dropped: rows and counted reasons add up to all figures that are a rate."""
    projector = project.fit_projector(dataset.collection.records)
    assert projector is not None
    rows, left_out = projected.compare(projector)
    rates = [
        figure
        for source in projected.references.everything()
        for figure in source.figures
        if figure.quantity in ("tokens_per_second", "step_seconds")
    ]
    assert rows
    assert len(rows) + sum(int(row.cells[1]) for row in left_out) == len(rates)


def test_a_second_card_changes_what_is_said_of_projections(dataset: Dataset) -> None:
    """Once another card is measured, its records are held against the projection."""
    alone = time_model.errors(dataset)[0]
    twin = profiles.load("h100-sxm")
    copies = [
        msgspec.structs.replace(record, record_id=f"{number:016x}")
        for number, record in enumerate(
            cards.on_card(dataset.collection.records[:4], twin.name, slower=1.2)
        )
    ]
    both = time_model.errors(load(sites.collection(*dataset.collection.records, *copies)))[0]
    assert "no estimate for another could be checked" in str(alone)
    assert "no estimate for another could be checked" not in str(both)
