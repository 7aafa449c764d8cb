"""Numbers as people read them, and as columns of them compare."""

import pytest

from suite import units


@pytest.mark.parametrize(
    ("value", "text"), [(0.0002, "0.02 %"), (0.0153, "1.5 %"), (0.124, "12 %"), (-0.5, "-50 %")]
)
def test_percent(value: float, text: str) -> None:
    """Small shares keep their digits."""
    assert units.percent(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(412e12, "412 TFLOP/s"), (3.2e-3, "3.2 mFLOP/s"), (0.0, "0 FLOP/s"), (2e-6, "2 µFLOP/s")],
)
def test_scaled(value: float, text: str) -> None:
    """The prefix fits the size; zero has none."""
    assert units.scaled(value, "FLOP/s") == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(18_788.0, "5.22 h"), (4_000_000.0, "1,111 h"), (36.0, "0.0100 h"), (359_999.0, "100 h")],
)
def test_hours(seconds: float, text: str) -> None:
    """Three digits whatever the size, and a short job is not 0 hours."""
    assert units.hours(seconds) == text


def test_kilowatt_hours() -> None:
    """One kilowatt-hour is 3.6 million joules."""
    assert units.kilowatt_hours(3.6e6) == "1.00 kWh"
    assert units.kilowatt_hours(9_996_000.0) == "2.78 kWh"


@pytest.mark.parametrize(
    ("unit", "values", "name", "texts"),
    [
        ("seconds", [0.65, 0.386], "ms", ["650", "386"]),
        ("seconds", [4.628, 0.386], "s", ["4.628", "0.386"]),
        ("bytes", [18.2 * 2**30, 7.1 * 2**30], "GiB", ["18.20", "7.10"]),
        ("bytes", [600 * 2**20], "MiB", ["600"]),
        ("tokens/second", [10_621.4, 920.2], "token/s", ["10,621", "920"]),
        ("seconds", [0.0, 2e-7], "µs", ["0.000", "0.200"]),
        ("seconds", [], "", []),
    ],
)
def test_a_column_has_one_unit(
    unit: str, values: list[float], name: str, texts: list[str]
) -> None:
    """Whole columns are in one unit with as many digits, so that they compare by eye."""
    scale = units.scale(unit, values)
    assert scale.unit == name
    assert [scale.text(value) for value in values] == texts
