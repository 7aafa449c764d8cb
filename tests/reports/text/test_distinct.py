"""Names are as short as they can be while no two are alike."""

from collections.abc import Sequence

from reports.text.distinct import distinct


def joined(key: str, details: Sequence[str]) -> str:
    return " ".join([key[0], *filter(None, details)])


def test_only_namesakes_get_what_tells_them_apart() -> None:
    """A detail that all namesakes share is left away, as is one that is no longer needed."""
    found = distinct(
        {
            "a1": ("short", "noon", "1"),
            "a2": ("short", "night", "2"),
            "b1": ("short", "noon", "3"),
            "c1": ("short", "noon", "4"),
            "c2": ("long", "noon", "5"),
        },
        joined,
    )
    assert found == {
        "a1": "a noon",
        "a2": "a night",
        "b1": "b",
        "c1": "c short",
        "c2": "c long",
    }


def test_the_last_detail_tells_apart_what_is_alike_otherwise() -> None:
    """Two of three share all but it; the third does not."""
    found = distinct({"a1": ("x", "1"), "a2": ("x", "2"), "a3": ("y", "3")}, joined)
    assert found == {"a1": "a x 1", "a2": "a x 2", "a3": "a y"}
    assert distinct({}, joined) == {}
