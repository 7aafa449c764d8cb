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


@pytest.mark.parametrize(
    ("value", "width", "text"),
    [
        (5_866.0, 0.0, "5,900"),
        (0.04123, 0.0, "0.041"),
        (9.96, 0.0, "10"),
        (0.0, 0.0, "0.0"),
        (48.1, 31.5, "48"),  # a wide interval
        (19.27, 2.2, "19.3"),  # a narrow one
        (870.58, 0.11, "871"),  # however narrow
    ],
)
def test_an_estimate_has_two_digits_or_three_in_a_narrow_interval(
    value: float, width: float, text: str
) -> None:
    """Two significant digits, a third where two would spoil the interval, never a fourth."""
    assert units.about(value, width) == text


@pytest.mark.parametrize(
    ("unit", "values", "text"),
    [
        ("hours", (4_176_000.0, 3_132_000.0, 6_000_000.0), "1,200 h (870–1,700)"),
        ("seconds", (1.404, 0.9077, 2.527), "1.4 s (0.91–2.5)"),
        ("seconds", (0.3587,), "360 ms"),
        ("seconds", (600.0,), "600 s"),
        ("kWh", (3.6e6 * 11.9, 3.6e6 * 7.82, 3.6e6 * 17.5), "12 kWh (7.8–18)"),
        ("USD", (1_240.0, 860.0, 12_345.0), "USD 1,200 (860–12,000)"),
        ("bytes", (19.27 * 2**30, 18.45 * 2**30, 20.72 * 2**30), "19.3 GiB (18.4–20.7)"),
        ("bytes", (870.58 * 2**30, 870.54 * 2**30, 870.65 * 2**30), "871 GiB"),
        ("tokens/second", (5_866.0, 4_154.0, 7_759.0), "5,900 token/s (4,200–7,800)"),
    ],
)
def test_an_estimate_and_its_ends_are_in_one_unit(
    unit: str, values: tuple[float, ...], text: str
) -> None:
    """The value decides on the unit; ends that read alike say nothing and are left away."""
    assert units.estimated(unit, *values) == text


@pytest.mark.parametrize(
    ("value", "text"), [(41_999, "41,000"), (27_149, "27,000"), (137, "130"), (99, "99"), (3, "3")]
)
def test_a_limit_is_rounded_down(value: int, text: str) -> None:
    """Never up: more than the estimate allows may not fit."""
    assert units.rounded_down(value) == text
