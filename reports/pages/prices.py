"""What cards cost, as the file of prices has it: each with its seller and the day it was seen."""

from reports.text.blocks import Part, Prose, TextRow, table
from suite.catalog import prices
from suite.catalog import profile as profiles
from suite.catalog.prices import Price
from suite.estimate import explain


def part() -> Part:
    """Return every price in the order of the file; no blocks where none is known."""
    known = [price for price in prices.known().prices if profiles.known(price.profile)]
    text = (
        "In US dollars for one GPU, from hardware_profiles/prices.toml, which is yours to edit."
        " Prices of one GPU differ between sellers and move within months."
    )
    header = ["GPU", "Seller", "Seen", "Note", "An hour", "To buy"]
    shown = (Prose(text=text), table(header, map(_row, known), words=4)) if known else ()
    return Part(name="prices", title="What GPUs cost", blocks=shown)


def _row(price: Price) -> TextRow:
    card = profiles.load(price.profile)
    amounts = (
        "" if dollars is None else explain.dollars(dollars)
        for dollars in (price.rent_usd_per_hour, price.purchase_usd)
    )
    cells = (explain.marked(card.title, card), price.source, price.date, price.note, *amounts)
    return TextRow(cells=cells)
