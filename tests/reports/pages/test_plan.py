"""The page of plans: what each row says it is, and inputs that compute it anew."""

from pathlib import Path

import msgspec
import pytest

from reports.analysis.dataset import Dataset, load
from reports.pages import plan as plan_page
from reports.published import projected
from reports.sections import time_model
from reports.site.build import build
from reports.text import example_job
from reports.text.blocks import Points, Table
from suite import paths, units
from suite.catalog import profile as profiles
from suite.estimate import project
from suite.results.storage.run_folder import read
from support import cards, gpu_records, sites
from support.browsers import Browser, needs_browser, size

RESULTS = paths.RESULTS / "h200-sxm"
CSS = "css selector"


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return load(read([RESULTS]))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(read([RESULTS]), tmp_path_factory.mktemp("plan") / "site").parent


def test_measured_rows_lead_to_their_record_and_projected_ones_to_none(
    dataset: Dataset,
) -> None:
    """A row is one or the other, and only a projection of a card not measured has no record."""
    page = plan_page.page(dataset)
    assert page is not None
    rows = page.rows
    assert {row.fits for row in rows} >= {"fits", "does not fit"}
    for row in rows:
        assert row.projected == (row.basis == "estimated")
        ran = row.basis.startswith("measured") or row.basis.endswith("where it ran")
        assert ran == (row.card == "H200 SXM" and bool(row.page)) or row.basis == "unsupported"
        assert bool(row.time.per_token) == (row.projected or row.basis.startswith("measured"))
        if row.fits == "does not fit":
            assert row.time.number.text == row.energy.number.text == row.rent.number.text == "–"


def test_without_a_gpu_nothing_is_projected() -> None:
    """Records of a CPU alone, and of cards without a probe, leave every row unknown."""
    found = sites.collection(*sites.ordinary().records, *cards.many([gpu_records.record()], "a"))
    made = load(found)
    page = plan_page.page(made)
    assert page is not None
    rows = page.rows
    assert {row.basis for row in rows} <= {"unknown", "does not fit", "unsupported"}
    assert time_model.errors(made) == time_model.published(made) == time_model.pairs(made) == []


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


def shown(browser: Browser, script: str) -> str:
    return str(browser.execute_script(script))


FIRST = "const row = [...document.querySelectorAll('tr')].find((r) => r.querySelector('data'));"


@needs_browser
def test_inputs_compute_every_amount_and_the_address_brings_them_back(
    browser: Browser, site: Path
) -> None:
    """Twice the tokens are twice the hours; the address opens the same job again."""
    size(browser, 1280)
    browser.get((site / "plan.html").as_uri())
    value = f"{FIRST} return row.querySelector('data').value"
    before = float(shown(browser, value))
    tokens = browser.find_element("xpath", "//label[starts-with(., 'Million')]/input")
    assert tokens.get_attribute("value") == f"{example_job.TOKENS / 1e6:g}"
    tokens.clear()
    tokens.send_keys(f"{2 * example_job.TOKENS / 1e6:g}")
    assert float(shown(browser, value)) == pytest.approx(2 * before)
    words = browser.find_element(CSS, "[data-job-words]")
    assert words.text == f"{2 * example_job.TOKENS:,} real tokens, {example_job.EPOCHS} epochs"
    address = browser.current_url
    assert "plan.tokens=" in address
    browser.get(address)
    assert float(shown(browser, value)) == pytest.approx(2 * before)


@needs_browser
def test_the_script_writes_amounts_as_the_page_does(browser: Browser, site: Path) -> None:
    """The example, computed anew by the script, reads as it was written."""
    size(browser, 1280)
    cells = "[...document.querySelectorAll('[data-per-token]')].map((c) => c.innerText).join('|')"
    browser.get((site / "plan.html").as_uri())
    written = shown(browser, f"return {cells}")
    browser.get((site / "plan.html").as_uri() + f"?plan.epochs={example_job.EPOCHS}")
    assert shown(browser, f"return {cells}") == written
    nights = "[...document.querySelectorAll('[data-overnight]')].map((c) => c.innerText).join()"
    assert "borderline" in shown(browser, f"return {nights}")


@needs_browser
@pytest.mark.parametrize("millions", [0.003, 0.7, 9_000.0])
def test_the_script_gives_estimates_the_digits_of_the_suite(
    browser: Browser, site: Path, millions: float
) -> None:
    """Whatever the job, a projected amount reads as the command line has it."""
    size(browser, 1280)
    browser.get((site / "plan.html").as_uri() + f"?plan.tokens={millions:g}&plan.epochs=1")
    cells = browser.execute_script(
        "return [...document.querySelectorAll('.projected [data-per-token]')]"
        ".map((c) => [c.dataset.unit, c.dataset.perToken, c.innerText])"
    )
    assert cells
    sizes = {"hours": 3600.0, "kWh": 3.6e6, "USD": 1.0}
    for unit, each, text in cells:
        value, low, high = (float(one) * millions * 1e6 * sizes[unit] for one in each.split())
        assert (
            text.split()
            == units.estimated(unit, value, low, high).replace("(", "").replace(")", "").split()
        )


@needs_browser
def test_an_input_that_is_no_number_is_said_and_not_computed(browser: Browser, site: Path) -> None:
    """Amounts of before are marked as stale, and come back with a number."""
    size(browser, 1280)
    browser.get((site / "plan.html").as_uri())
    epochs = browser.find_element("xpath", "//label[starts-with(., 'Epochs')]/input")
    epochs.clear()
    epochs.send_keys("0")
    assert epochs.get_attribute("aria-invalid") == "true"
    assert "not computed" in browser.find_element(CSS, "[data-job-words]").text
    assert browser.find_elements(CSS, "td.stale")
    epochs.clear()
    epochs.send_keys("1")
    assert not browser.find_elements(CSS, "td.stale")
    assert browser.find_element(CSS, "[data-job-words]").text.endswith("real tokens, 1 epoch")
