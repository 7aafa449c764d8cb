"""Columns of numbers: one unit, equal decimals, and nothing said that was not known."""

import pytest

from reports.text import columns
from reports.text.blocks import TextRow, table
from reports.text.numbers import Number, NumberRange


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (map(columns.seconds, (1.279, 0.745, 27.2)), ["1.279 s", "0.745 s", "27.200 s"]),
        (map(columns.seconds, (0.5, 0.0412)), ["500.0 ms", "41.2 ms"]),
        (map(columns.bytes_, (2**30, 900 * 2**20)), ["1.000 GiB", "0.879 GiB"]),
        (map(columns.percent, (0.31, 0.0047)), ["31.0 %", "0.5 %"]),
        (map(columns.percent, (0.00003, 0.015)), ["0.003 %", "1.500 %"]),
        (map(columns.signed_percent, (-0.55, 0.012)), ["−55.0 %", "+1.2 %"]),
        ((columns.scaled(x, "B/s") for x in (8e12, 273e9)), ["8.000 TB/s", "0.273 TB/s"]),
        ((columns.scaled(x, "B") for x in (141e9, 24e9)), ["141 GB", "24 GB"]),
        (map(columns.percent, (0.0, 0.0)), ["0 %", "0 %"]),
        (["unknown", columns.seconds(0.5), "–"], ["unknown", "500 ms", "–"]),
        ([columns.seconds(2), columns.bytes_(2**20)], ["2 s", "1 MiB"]),
        ([columns.Quantity.of("nan s", float("nan"), "seconds"), "2 s"], ["nan s", "2 s"]),
    ],
)
def test_a_column_is_written_alike(texts: object, expected: list[str]) -> None:
    """The unit is that of the largest; what is no number, or of another kind, stays."""
    assert columns.aligned(list(texts)) == expected


def test_intervals_and_ranges_go_along() -> None:
    """An interval behind a change, and a range over repeats, have the decimals of the column."""
    one = columns.signed_percent(-0.011, (-0.027, 0.0059))
    assert one == "−1.1 % (−2.7 to +0.59\N{NO-BREAK SPACE}%)"
    (aligned,) = columns.aligned([one])
    assert aligned == "−1.1 % (−2.7 to +0.6\N{NO-BREAK SPACE}%)"
    low, high = columns.seconds(0.7), columns.seconds(1.5)
    numbers = [
        Number(text=columns.seconds(1.2), exact="1.2", range=NumberRange.of(low, high)),
        Number(text=columns.seconds(0.4), exact="0.4"),
        Number(text="unknown"),
    ]
    first, second, third = columns.aligned_numbers(numbers)
    assert (first.text, first.range) == ("1.200 s", "0.700 s–1.500 s")
    assert (second.text, third.text) == ("0.400 s", "unknown")


def test_a_table_aligns_what_it_is_given() -> None:
    """Columns of its rows, and only of quantities."""
    rows = [TextRow(cells=("a", columns.bytes_(n * 2**30))) for n in (7.82, 18.2)]
    made = table(["Name", "Needs"], rows)
    assert [row.cells for row in made.rows] == [("a", "7.82 GiB"), ("a", "18.20 GiB")]


def test_a_row_with_another_number_of_cells_is_no_table() -> None:
    """Its numbers would stand under the wrong heads, and the last ones nowhere."""
    with pytest.raises(ValueError, match="3 cells under 2 heads"):
        table(["Method", "Step"], [TextRow(cells=("LoRA", "1 s", "2 GiB"))])
