"""Build the site: one folder of HTML and JSON, put in place at once when it is whole."""

import math
import secrets
import shutil
import sys
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import closing, nullcontext
from itertools import chain
from pathlib import Path

from reports import (
    all_results,
    claims_page,
    diff,
    gpu_list,
    gpu_page,
    history,
    model_view,
    pair_matrix,
    pair_page,
    plan_page,
    price_list,
    record_files,
    single,
    summary,
    words,
)
from reports.card_watch import watched
from reports.fork import MOST_TICKETS, Tickets, beside
from reports.glance import glances
from reports.material import Material, gather
from reports.templates import page_names, render
from suite import __version__, units
from suite.errors import BadInput, WrongMachine
from suite.results import energy, ledger, parity, settled
from suite.results import history as changes
from suite.results.collection import Collection
from suite.results.long_steps import long_steps
from suite.results.metrics import all_metrics
from suite.results.window import fault

MARKER = "tunebench-site"  #: a folder with this file in it may be replaced
MOST_RECORDS_BYTES = 24 << 20  #: of records in a report that is one file, pages and JSON
MANY_RECORDS = 200  #: from here on a second process writes pages of records and ``BESIDE``

#: Pages of one thing each (a model, a card): folder of the site, which is also the name of the
#: template in ``each/``, to what yields file name and ``page``, the value the template gets.
FAMILIES: Mapping[str, Callable[[Material], Iterable[tuple[str, object]]]] = {
    "card-against-card": pair_page.pages,
    "diffs": diff.pages,
    "gpus": gpu_page.pages,
    "models": model_view.pages,
}
BESIDE = "diffs"  #: the family written beside the rest, as pages of records are


def build(collection: Collection, site: Path) -> Path:
    """Write the site of a collection to the folder ``site`` and return its ``index.html``.

    The folder may be missing, empty or an earlier site, which it replaces once it is whole.
    Raises BadInput when anything else is there, WrongMachine when it cannot be written.
    """
    site = site.resolve()
    _refuse_foreign(site)
    fresh = site.with_name(f".{site.name}.{secrets.token_hex(4)}.part")
    old = fresh.with_suffix(".old")
    try:
        site.parent.mkdir(parents=True, exist_ok=True)
        fresh.mkdir()
        try:
            _write(collection, fresh)
            if site.exists():
                site.rename(old)
            fresh.rename(site)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
            if site.exists():
                shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise _cannot_write(site, error) from error
    return site / "index.html"


def _cannot_write(place: Path, error: OSError) -> WrongMachine:
    hint = "Free space, make it writable, or give another --out."
    return WrongMachine(f"{place}: cannot be written: {error.strerror}", hint=hint)


def _refuse_foreign(site: Path) -> None:
    if not site.exists():
        return
    if not site.is_dir():
        raise BadInput(f"{site}: a file is there already", hint="Give another --out.")
    if any(site.iterdir()) and not (site / MARKER).is_file():
        raise BadInput(
            f"{site}: holds other files and is no earlier report",
            hint="Give another --out: a folder that is missing, empty, or an earlier report.",
        )


def build_file(collection: Collection, place: Path) -> tuple[Path, str]:
    """Write the site of a collection as one file, and return it and what it had to leave out.

    Pages of records and their JSON go in until ``MOST_RECORDS_BYTES`` are spent. The file may be
    missing or an earlier one. Raises BadInput when anything else is there, WrongMachine when it
    cannot be written.
    """
    place = place.resolve()
    if place.exists():
        _refuse_foreign_file(place)
    material = gather(collection)
    pages = [*_pages(material), *_members(material, FAMILIES)]
    kept, spent = 0, 0
    for files in record_files.files(material, collection.records):
        spent += sum(len(text) for _, text in files)
        if spent > MOST_RECORDS_BYTES:
            break
        pages += files
        kept += 1
    left_out = _left_out(len(collection.records) - kept, len(collection.records))
    fresh = place.with_name(f".{place.name}.{secrets.token_hex(4)}.part")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            with fresh.open("w", encoding="utf-8", errors="replace", newline="\n") as file:
                file.writelines(single.join(pages, left_out))
            fresh.replace(place)
        finally:
            fresh.unlink(missing_ok=True)
    except OSError as error:
        raise _cannot_write(place, error) from error
    return place, left_out


def _refuse_foreign_file(place: Path) -> None:
    hint = "Give another --out: a file that is missing, or an earlier report."
    if not place.is_file():
        raise BadInput(f"{place}: a folder is there already", hint=hint)
    with place.open("rb") as file:
        if single.MARK.encode() not in file.read(4096):
            raise BadInput(f"{place}: is no earlier report", hint=hint)


def _left_out(missing: int, total: int) -> str:
    if not missing:
        return ""
    return (
        f"This file leaves out the pages and the JSON of {missing:,} of {total:,} records, to stay"
        " small enough to open. Their rows and all tables are here. Built as a folder, the report"
        " has every page."
    )


def _write(collection: Collection, folder: Path) -> None:
    material = gather(collection)
    (folder / MARKER).write_text(f"{__version__}\n", encoding="utf-8")
    for family in (*FAMILIES, "records"):
        (folder / family).mkdir()

    records = collection.records
    share = max(16, math.ceil(len(records) / MOST_TICKETS))  #: of records for one ticket
    tickets = Tickets(math.ceil(len(records) / share))

    def put_records() -> None:
        for ticket in tickets:
            begin = ticket * share
            for files in record_files.files(material, records[begin : begin + share]):
                for address, text in files:
                    _put(folder / address, text)

    def put_beside() -> None:
        for address, text in _members(material, {BESIDE}):
            _put(folder / address, text)
        put_records()

    _compute(material)
    alone = sys.platform != "linux" or len(records) < MANY_RECORDS
    with closing(tickets):
        with nullcontext() if alone else beside(put_beside):
            rest = _members(material, FAMILIES.keys() - {BESIDE})
            for address, text in chain(_pages(material), rest):
                _put(folder / address, text)
            put_records()
        if alone:
            put_beside()


def _compute(material: Material) -> None:
    """Compute what both processes need: once, before there are two."""
    for record in material.collection.records:  # all of one while its telemetry is unpacked
        fault(record)
        long_steps(record)
        watched(record)
        for metric in all_metrics().values():
            metric.compute(record)
    diff.links(material)


def _put(place: Path, text: str) -> None:
    # A lone surrogate can come out of a stranger's JSON and has no UTF-8.
    place.write_text(text, encoding="utf-8", errors="replace", newline="\n")


def _pages(material: Material) -> Iterator[tuple[str, str]]:
    """Yield the address and the text of every page that is there once, the first one first."""
    addresses = {each.model: f"models/{each.file}" for each in model_view.models(material)}
    shared = {
        "overview": material.overview,
        "models": model_view.listed(material),
        "history": history.blocks(material),
        "history_permutations": changes.PERMUTATIONS,
        "history_alpha": units.percent(changes.ALPHA),
        "glances": glances(material, addresses),
        "weights": dict.fromkeys(t for each in material.overview.sections for t in each.weights),
        "summary": {name: summary.part(material, name) for name in summary.PARTS},
        "results": all_results.results(material),
        "gpus": gpu_list.listed(material),
        "matrix": pair_matrix.matrix(material),
        "metrics": words.in_order(all_metrics().values()),
        "first_band": units.percent(parity.DUMMY_BAND.first_loss),
        "trajectory_band": units.percent(parity.DUMMY_BAND.trajectory),
        "gradient_band": units.percent(parity.DUMMY_BAND.gradient),
        "residual_band": units.percent(ledger.MOST_RESIDUAL_SHARE),
        "settled_tolerance": units.percent(settled.TOLERANCE),
        "settled_error": units.percent(settled.MOST_ERROR),
        "energy_band": units.percent(energy.MOST_APART),
        "shortest_integral": units.seconds(energy.SHORTEST_INTEGRAL_SECONDS),
        "shortest_uneven": units.seconds(energy.SHORTEST_UNEVEN_SECONDS),
        "words": words,
        "claims": claims_page.page(material),
        "plan": plan_page.page(material),
        "prices": price_list.part(),
    }
    for name in page_names():
        values = {**shared, "root": "", "current": name}
        yield name, render(name, values)


def _members(material: Material, families: Container[str]) -> Iterator[tuple[str, str]]:
    """Yield the address and the text of every page of these families, in their order."""
    for family, pages in FAMILIES.items():
        for name, page in pages(material) if family in families else ():
            values = {"page": page, "root": "../", "current": f"{family}.html"}
            yield f"{family}/{name}", render(f"each/{family}.html", values)
