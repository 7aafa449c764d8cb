"""What a site has of each record: its page, and the record itself as JSON."""

from collections.abc import Iterable, Iterator

from markupsafe import Markup

from reports.analysis.dataset import Dataset
from reports.pages import diff
from reports.pages.record import page as record_view
from reports.rendering.render import fragment, render
from reports.text.numbers import record_page
from suite.results.record import Environment, Record, encode


def files(
    dataset: Dataset, records: Iterable[Record]
) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    """Yield the page of each of these records and its JSON, both with their addresses."""
    twins, sources = diff.links(dataset), dataset.collection.sources
    for record in records:
        address = record_page(record)
        source, plan = sources.get(record.record_id, ""), dataset.plans.get(record.run_id)
        values = {
            "page": record_view.page(record, dataset.references, plan, source),
            "twins": twins.get(record.record_id, ()),
            "around": _around(dataset, record.environment),
            "root": "../",
            "current": "",
        }
        content = encode(record).decode()  # as in a journal: spread out, it is twice the size
        data = address.removesuffix(".html") + ".json"
        yield (address, render("each/record.html", values)), (data, f"{content}\n")


def _around(dataset: Dataset, environment: Environment) -> Markup:
    """Return an environment's part of a page, rendered once for all records that share it.

    How fast the host was is each record's own, and not in this part.
    """
    made: dict[object, tuple[Environment, Markup]] = dataset.cached("around", lambda _: {})
    probe = environment.probe
    shared = [getattr(environment, n) for n in environment.__struct_fields__ if n != "probe"]
    if probe is not None:
        own = ("host", "host_after")
        shared += [getattr(probe, n) for n in probe.__struct_fields__ if n not in own]
    # Records of one collection share what is equal (``storage.compact``), so ids are enough.
    key = tuple(map(id, shared))
    if key not in made:
        values = {"around": record_view.surroundings(environment)}
        made[key] = (environment, fragment("around.html", values))
    return made[key][1]
