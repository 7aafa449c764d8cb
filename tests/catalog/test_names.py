import msgspec
import pytest

from suite.catalog import method, model, names, profile, tier
from suite.catalog.names import CaseId, HubId, Name


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "../x", "a/b", "/etc", "a\\b", ".hidden", "-rf", "a b", "a\n", "a\x00"),
        *("\n", "~root", "C:x", "a\x1b[2J", "ä", "a\u202e", "a\u0301", "٣", "a" * 81, "$HOME"),
    ],
)
def test_what_is_no_part_of_a_path_is_no_name(name: str) -> None:
    """A folder elsewhere, a hidden file, an option or a line's end is refused, and so told."""
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.convert({"key": [name]}, dict[str, list[Name]])
    text = str(refused.value).replace("$[...]", "$.key")
    said = names.explained(msgspec.ValidationError(text), {"key": [name]})
    assert said.startswith("key 'key[0]': ")
    assert "is no name" in said
    assert said.isprintable()


@pytest.mark.parametrize(
    "place", ["/etc/x", "../x", "a/../b", "~/x", "a", "a/b/c", "a/b\n", "./x", "a/.b", "a b/c", ""]
)
def test_what_may_be_a_folder_is_no_hub_id(place: str) -> None:
    """A library would read it; the catalog's own ids pass."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(place, HubId)
    for name in model.names():
        assert model.load(name).hub_id is None or msgspec.convert(model.load(name).hub_id, HubId)


def test_every_name_of_the_catalog_is_one() -> None:
    """The catalog's own names pass, and the longest ones still make a case's id."""
    for each in (model, method, tier, profile):
        for name in each.names():
            msgspec.convert(name, Name)
    longest, suffix = "n" * names.LONGEST, "s" * (names.LONGEST // 2)
    tried = f"{longest}-{longest}-{suffix}-s{2**31}-b{2**31}"
    assert msgspec.convert(tried, CaseId) == tried
    assert len(f".{'c' * names.LONGEST_CASE}.made.part") <= 255, "a file can have it in its name"


def test_other_errors_keep_their_words() -> None:
    """A wrong type is not called a bad name."""
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.convert([3], list[Name])
    assert names.explained(refused.value, [3]) == str(refused.value)
