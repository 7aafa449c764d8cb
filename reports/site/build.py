"""Build the site: one folder of HTML and JSON, put in place at once when it is whole."""

import math
import sys
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, nullcontext
from itertools import chain
from pathlib import Path

from reports.analysis.dataset import Dataset, load
from reports.pages import add_gpu, all_results, diff, history
from reports.pages import claims as claims_page
from reports.pages import prices as price_list
from reports.pages.card_pair import matrix as pair_matrix
from reports.pages.card_pair import page as pair_page
from reports.pages.fit_chart import fit_charts
from reports.pages.front import scope
from reports.pages.front.page import FrontPage, front_page
from reports.pages.front.picture import picture
from reports.pages.gpu import index as gpu_list
from reports.pages.gpu import page as gpu_page
from reports.pages.gpu.telemetry import sample_counts
from reports.pages.model import page as model_view
from reports.pages.model.page import ModelPage
from reports.pages.overview import OverviewTable, overview_tables
from reports.pages.plan import page as plan_page
from reports.rendering.navigation import PARENTS, page_names
from reports.rendering.render import render, shared_files
from reports.sections import summary, trust
from reports.site import plot_files, record_files, single_file
from reports.site.built import built
from reports.site.every_page import every_page
from reports.site.parallel import LONGEST_QUEUE, WorkQueue, run_in_child
from reports.site.place import new_file, new_site, refuse_foreign_file
from reports.text import phrases
from suite import units
from suite.results.memoize import once
from suite.results.memory import ledger
from suite.results.metrics import all_metrics, columns
from suite.results.stats import change_points as changes
from suite.results.storage.folder import Folder
from suite.results.storage.reader import Collection
from suite.results.telemetry import energy
from suite.results.telemetry.long_steps import long_steps
from suite.results.telemetry.window import fault
from suite.results.validity import parity, settled

#: Of a report that is one file, and of one with raw data.
MOST_FILE_BYTES, MOST_RAW_BYTES = 2_950_000, 26 << 20
MANY_RECORDS = 200  #: from here on a second process writes pages of records and ``BESIDE``

#: Pages of one thing each (a model, a card): folder of the site, which is also the name of the
#: template in ``each/``, to what yields file name and ``page``, the value the template gets.
FAMILIES: Mapping[str, Callable[[Dataset], Iterable[tuple[str, object]]]] = {
    "card-against-card": pair_page.pages,
    "diffs": diff.pages,
    "gpus": gpu_page.pages,
    "models": model_view.pages,
}
_BESIDE_PAGES = ("records", plot_files.FOLDER)  #: folders of what is no family
BESIDE = "diffs"  #: the family written beside the rest, as pages of records are


def build(collection: Collection, site: Path) -> Path:
    """Write the site of a collection to the folder ``site`` and return its ``index.html``.

    The folder may be missing, empty or an earlier site, which it replaces once it is whole.
    Raises BadInput when anything else is there or in it, WrongMachine when it cannot be written.
    """
    with new_site(site) as folder:
        _write(collection, folder)
    return site.resolve() / "index.html"


def build_file(collection: Collection, place: Path, *, with_raw: bool = False) -> tuple[Path, str]:
    """Write the site of a collection as one file, and return it and what it had to leave out.

    Records are in it by their numbers, as many as ``MOST_FILE_BYTES`` allow; ``with_raw`` adds
    their whole pages and JSON, up to ``MOST_RAW_BYTES``. The file may be missing or an earlier
    one. Raises BadInput when anything else is there, WrongMachine when it cannot be written.
    """
    refuse_foreign_file(place, single_file.MARK.encode())
    dataset = load(collection)
    records = collection.records
    families = FAMILIES.keys() - {BESIDE}
    pages = [*_pages(dataset, alone=True), *_members(dataset, families, alone=True)]
    more = chain(
        record_files.files(dataset, records, brief=not with_raw),
        ((page,) for page in _members(dataset, {BESIDE})),
    )
    most = MOST_RAW_BYTES if with_raw else MOST_FILE_BYTES
    fit = single_file.fitting(pages, more, most)
    kept = sum(files[0][0].startswith("records/") for files in fit)
    lacking = sum(1 for _ in diff.pairs(dataset)) - (len(fit) - kept)
    left_out = _left_out(len(records), len(records) - kept, lacking)
    text = "".join(single_file.join(chain(pages, *fit), left_out))
    new_file(place, text.encode("utf-8", errors="replace"), replace=True)
    return place.resolve(), left_out


def _left_out(total: int, missing: int, pairs: int) -> str:
    """Return which pages a file lacks: of records, and of two side by side."""
    records = f"of {missing:,} of {total:,} records" if missing else ""
    beside = f"that set two records side by side ({pairs:,})" if pairs else ""
    what = " and those ".join(filter(None, (records, beside)))
    if not what:
        return ""
    return (
        f"This file leaves out the pages {what}, to stay small enough to open. Their rows and all"
        " tables are here. Built as a folder, the report has every page."
    )


def _write(collection: Collection, site: Folder) -> None:
    dataset = load(collection)
    for name, text in shared_files().items():
        site.put(name, text.encode())
    with ExitStack() as opened:
        folders = {
            name: opened.enter_context(site.make(name)) for name in (*FAMILIES, *_BESIDE_PAGES)
        }
        _put_all(dataset, {"": site, **folders})
    site.put("picture.png", picture(_front(dataset)[1]))


def _put_all(dataset: Dataset, folders: Mapping[str, Folder]) -> None:
    collection = dataset.collection

    def put(address: str, text: str) -> None:
        # A lone surrogate can come out of a stranger's JSON and has no UTF-8.
        folder, _, name = address.rpartition("/")
        folders[folder].put(name, text.encode("utf-8", errors="replace"))

    records = collection.records
    share = max(16, math.ceil(len(records) / LONGEST_QUEUE))  #: of records for one ticket
    tickets = WorkQueue(math.ceil(len(records) / share))

    def put_records() -> None:
        for ticket in tickets:
            begin = ticket * share
            for files in record_files.files(dataset, records[begin : begin + share]):
                for address, text in files:
                    put(address, text)

    def put_beside() -> None:
        for address, text in _members(dataset, {BESIDE}):
            put(address, text)
        put_records()

    _compute(dataset)
    alone = sys.platform != "linux" or len(records) < MANY_RECORDS
    with closing(tickets):
        with nullcontext() if alone else run_in_child(put_beside):
            rest = _members(dataset, FAMILIES.keys() - {BESIDE})
            for address, text in chain(_pages(dataset), rest):
                put(address, text)
            put_records()
        if alone:
            put_beside()


def _compute(dataset: Dataset) -> None:
    """Compute what both processes need: once, before there are two."""
    for record in dataset.collection.records:  # all of one while its telemetry is unpacked
        fault(record)
        long_steps(record)
        sample_counts(record)
        for metric in all_metrics().values():
            metric.compute(record)
    diff.links(dataset)


@once
def _front(dataset: Dataset) -> tuple[tuple[OverviewTable, ...], FrontPage]:
    addresses = {each.model: f"models/{each.file}" for each in model_view.models(dataset)}
    glances = tuple(overview_tables(dataset, addresses))
    return glances, front_page(dataset, glances)


def _pages(dataset: Dataset, *, alone: bool = False) -> Iterator[tuple[str, str]]:
    """Yield the address and the text of every page that is there once, the first one first.

    ``alone``: each with style and script in it.
    """
    there = built(dataset)
    glances, front = _front(dataset)
    shared = {
        **every_page(dataset),
        "about": scope.about(dataset),
        "alone": alone,
        "files": not alone,
        "fit_plots": tuple(fit_charts(dataset).values()),
        "front": front,
        "overview": dataset.overview,
        "history": history.cases(dataset),
        "history_plots": history.plots(dataset),
        "history_answer": history.answer(dataset) if "history.html" in there else (),
        "history_sessions": changes.LEAST_RUNS,
        "history_alpha": f"{changes.ALPHA:g}",
        "glances": glances,
        "weights": dict.fromkeys(t for each in dataset.overview.sections for t in each.weights),
        "summary": {name: summary.part(dataset, name) for name in summary.PARTS},
        "results": all_results.results(dataset),
        "columns": columns("records"),
        "gpus": gpu_list.listed(dataset),
        "matrix": pair_matrix.matrix(dataset),
        "metrics": phrases.in_order(all_metrics().values()),
        "first_band": units.percent(parity.DUMMY_BAND.first_loss),
        "trajectory_band": units.percent(parity.DUMMY_BAND.trajectory),
        "gradient_band": units.percent(parity.DUMMY_BAND.gradient),
        "residual_band": units.percent(ledger.MOST_RESIDUAL_SHARE),
        "settled_tolerance": units.percent(settled.TOLERANCE),
        "settled_error": units.percent(settled.MOST_ERROR),
        "energy_band": units.percent(energy.MOST_APART),
        "shortest_integral": units.seconds(energy.SHORTEST_INTEGRAL_SECONDS),
        "shortest_uneven": units.seconds(energy.SHORTEST_UNEVEN_SECONDS),
        "words": phrases,
        "trust": trust.answers(dataset),
        "claims": claims_page.page(dataset),
        "plan": plan_page.page(dataset),
        "prices": price_list.part(),
        "add_gpu": add_gpu.page(dataset),
    }
    for name in page_names():
        if name in there:
            values = {**shared, "root": "", "current": name}
            yield name, render(name, values)
    if not alone:
        yield from plot_files.files([*fit_charts(dataset).values(), *history.plots(dataset)])


def _members(
    dataset: Dataset, families: Container[str], *, alone: bool = False
) -> Iterator[tuple[str, str]]:
    """Yield the address and the text of every page of these families, in their order.

    ``alone``: without links to files beside them.
    """
    charts = {each.title: each for each in _front(dataset)[1].models}
    for family, pages in FAMILIES.items():
        # The others name their GPUs themselves.
        about = scope.about(dataset) if family == "models" else scope.months(dataset)
        for name, page in pages(dataset) if family in families else ():
            if isinstance(page, ModelPage) and not alone:
                yield from plot_files.files(page.plots)
            values = {"about": about, "page": page, "root": "../", "current": PARENTS[family]}
            values["charts"], values["files"] = charts, not alone
            values |= every_page(dataset)
            yield f"{family}/{name}", render(f"each/{family}.html", values)
