"""The picture of the first screen's plot, for previews of links."""

import struct

import msgspec

from reports.analysis.dataset import load
from reports.pages.front.page import front_page
from reports.pages.front.picture import HEIGHT, WIDTH, picture
from reports.pages.model import page as model_view
from reports.pages.overview import overview_tables
from suite.results.record import Record
from support import records, sites


def drawn(*found: Record) -> bytes:
    dataset = load(sites.collection(*found))
    addresses = {each.model: each.file for each in model_view.models(dataset)}
    return picture(front_page(dataset, overview_tables(dataset, addresses)))


def size(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def test_the_picture_has_the_size_of_previews_and_shows_the_numbers() -> None:
    """Twice as fast is another picture; without a number there is one too."""
    some = [records.record(), records.record(method="unsloth-lora", seconds=0.1)]
    found = drawn(*some)
    assert size(found) == (WIDTH, HEIGHT)
    assert found == drawn(*some)
    assert found != drawn(some[0], records.record(method="unsloth-lora", seconds=0.05))
    empty = drawn(records.failed())
    assert size(empty) == (WIDTH, HEIGHT)
    assert len(empty) < len(found)


def test_strangers_names_do_not_break_the_drawing() -> None:
    """Markup, what XML has not, and names of any length."""
    case = records.case()
    for title in ("</text><svg>&", "\x00\x1b\uffff", "x" * 10_000):
        method = msgspec.structs.replace(case.method, title=title)
        model = msgspec.structs.replace(case.model, title=title)
        odd = msgspec.structs.replace(case, method=method, model=model)
        assert size(drawn(records.record(case=odd))) == (WIDTH, HEIGHT)
