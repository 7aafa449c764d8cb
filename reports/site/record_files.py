"""What a site has of each record: its page, and the record itself as JSON."""

from collections.abc import Iterable, Iterator

import msgspec
from markupsafe import Markup

from reports.analysis.dataset import Dataset
from reports.pages import diff
from reports.pages.record import page as record_view
from reports.rendering.navigation import PARENTS, ways
from reports.rendering.render import fragment, render
from reports.site.built import built
from reports.text.numbers import record_page
from suite.results.memoize import once
from suite.results.record import Environment, Record, encode


def files(
    dataset: Dataset, records: Iterable[Record]
) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    """Yield the page of each of these records and its JSON, both with their addresses."""
    twins, sources = diff.links(dataset), dataset.collection.sources
    there = built(dataset)
    around = {"root": "../", "current": PARENTS["records"], "built": there, "ways": ways(there)}
    for record in records:
        address = record_page(record)
        source, plan = sources.get(record.record_id, ""), dataset.plans.get(record.run_id)
        values = {
            "page": record_view.page(record, dataset.references, plan, source),
            "twins": twins.get(record.record_id, ()),
            "around": _around(dataset, record.environment),
            **around,
        }
        content = encode(record).decode()  # as in a journal: spread out, it is twice the size
        data = address.removesuffix(".html") + ".json"
        yield (address, render("each/record.html", values)), (data, f"{content}\n")


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
