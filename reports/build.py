"""Build the site: one folder of HTML and JSON, put in place at once when it is whole."""

import base64
import hashlib
import secrets
import shutil
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path

import jinja2
import msgspec

from reports import (
    claims_page,
    diff,
    gpu_list,
    gpu_page,
    history,
    model_view,
    pair_matrix,
    pair_page,
    record_view,
    summary,
    words,
)
from reports.cells import record_page
from reports.glance import glances
from reports.material import Material, gather
from suite import __version__, units
from suite.errors import BadInput, WrongMachine
from suite.results import energy, ledger, parity
from suite.results import history as changes
from suite.results.collection import Collection
from suite.results.metrics import all_metrics

FOLDER = Path(__file__).parent
MARKER = "tunebench-site"  #: a folder with this file in it may be replaced
_RECORD = "each/record.html"
#: Pages whose titles are not their file's names.
_TITLES = {"index.html": "Overview", "gpus.html": "GPUs"}

#: Pages of one thing each (a model, a card): folder of the site, which is also the name of the
#: template in ``each/``, to what yields file name and ``page``, the value the template gets.
FAMILIES: Mapping[str, Callable[[Material], Iterable[tuple[str, object]]]] = {
    "card-against-card": pair_page.pages,
    "diffs": diff.pages,
    "gpus": gpu_page.pages,
    "models": model_view.pages,
}


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
        raise WrongMachine(
            f"{site}: cannot be written: {error.strerror}",
            hint="Free space, make it writable, or give another --out.",
        ) from error
    return site / "index.html"


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


def _write(collection: Collection, folder: Path) -> None:
    environment = _environment()
    material = gather(collection)
    references, plans = material.references, material.plans
    (folder / MARKER).write_text(f"{__version__}\n", encoding="utf-8")
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
        "gpus": gpu_list.listed(material),
        "matrix": pair_matrix.matrix(material),
        "metrics": words.in_order(all_metrics().values()),
        "first_band": units.percent(parity.DUMMY_BAND.first_loss),
        "trajectory_band": units.percent(parity.DUMMY_BAND.trajectory),
        "gradient_band": units.percent(parity.DUMMY_BAND.gradient),
        "residual_band": units.percent(ledger.MOST_RESIDUAL_SHARE),
        "energy_band": units.percent(energy.MOST_APART),
        "shortest_integral": units.seconds(energy.SHORTEST_INTEGRAL_SECONDS),
        "shortest_uneven": units.seconds(energy.SHORTEST_UNEVEN_SECONDS),
        "words": words,
        "claims": claims_page.page(material),
    }
    for name in _page_names():
        _render(environment, name, folder / name, {**shared, "root": "", "current": name})
    for family, pages in FAMILIES.items():
        (folder / family).mkdir()
        for name, page in pages(material):
            values = {**shared, "page": page, "root": "../", "current": f"{family}.html"}
            _render(environment, f"each/{family}.html", folder / family / name, values)
    (folder / "records").mkdir()
    twins = diff.links(material)
    for record in collection.records:
        source = collection.sources.get(record.record_id, "")
        page = record_view.page(record, references, plans.get(record.run_id), source)
        values = {
            "page": page,
            "twins": twins.get(record.record_id, ()),
            "root": "../",
            "current": "",
        }
        place = folder / record_page(record)
        _render(environment, _RECORD, place, values)
        content = msgspec.json.format(msgspec.json.encode(record), indent=1)
        place.with_suffix(".json").write_bytes(content + b"\n")


def _render(
    environment: jinja2.Environment, name: str, place: Path, values: Mapping[str, object]
) -> None:
    text = environment.get_template(name).render(values)
    # A lone surrogate can come out of a stranger's JSON and has no UTF-8.
    place.write_text(text, encoding="utf-8", errors="replace", newline="\n")


def _page_names() -> list[str]:
    """Return the templates that are rendered once, the first page first."""
    names = [path.name for path in (FOLDER / "pages").glob("*.html")]
    return sorted(names, key=lambda name: (name != "index.html", name))


def _page_title(name: str) -> str:
    if name in _TITLES:
        return _TITLES[name]
    return name.removesuffix(".html").replace("-", " ").capitalize()


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([FOLDER / "pages", FOLDER / "layout", FOLDER]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = (FOLDER / "static" / "site.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    environment.globals.update(
        navigation=[(name, _page_title(name)) for name in _page_names()],
        style=style,
        style_digest=digest,
        version=__version__,
    )
    return environment
