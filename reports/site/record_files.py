"""What a site has of each record: its page, and the record itself as JSON."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec
from markupsafe import Markup

from reports.analysis.dataset import Dataset
from reports.pages import diff
from reports.pages.model import page as model_view
from reports.pages.record import page as record_view
from reports.pages.record.titles import titles
from reports.rendering.navigation import PARENTS
from reports.rendering.render import fragment, render
from reports.site.every_page import every_page
from reports.text.numbers import record_page
from suite.results.memoize import once
from suite.results.record import Environment, Record, encode


def files(
    dataset: Dataset, records: Iterable[Record], *, brief: bool = False
) -> Iterator[Sequence[tuple[str, str]]]:
    """Yield the page of each of these records and its JSON, both with their addresses.

    ``brief``: a page of its numbers alone, and no JSON.
    """
    twins, sources = diff.links(dataset), dataset.collection.sources
    models = {each.model: f"models/{each.file}" for each in model_view.models(dataset)}
    called = titles(dataset)
    for record in records:
        address = record_page(record)
        source, plan = sources.get(record.record_id, ""), dataset.plans.get(record.run_id)
        values = {
            **every_page(dataset),
            "page": record_view.page(
                record, called[record.record_id], dataset.references, plan, source
            ),
            "brief": brief,
            "model_page": models.get(record.case.model, ""),
            "twins": twins.get(record.record_id, ()),
            "around": "" if brief else _around(dataset, record.environment),
            "root": "../",
            "current": PARENTS["records"],
        }
        page = (address, render(f"each/record{'-brief' if brief else ''}.html", values))
        if brief:
            yield (page,)
            continue
        content = encode(record).decode()  # as in a journal: spread out, it is twice the size
        data = address.removesuffix(".html") + ".json"
        yield page, (data, f"{content}\n")


def _around(dataset: Dataset, environment: Environment) -> Markup:
    """Return an environment's part of a page.

    How fast the host was is each record's own, and not in this part.
    """
    if environment.probe is not None:
        shared = msgspec.structs.replace(environment.probe, host=None, host_after=None)
        environment = msgspec.structs.replace(environment, probe=shared)
    return _rendered(dataset, msgspec.msgpack.encode(environment))


@once
def _rendered(_: Dataset, packed: bytes) -> Markup:
    """Return it for a packed environment: most records of a collection share theirs."""
    environment = msgspec.msgpack.decode(packed, type=Environment)
    return fragment("around.html", {"around": record_view.surroundings(environment)})
