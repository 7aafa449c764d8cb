"""docs/concepts.md and the code say the same words."""

import importlib
import json
import re
from collections import Counter

import pytest

from suite.paths import ROOT

ROW = re.compile(r"^\| ([^|]+?) \| [^|]+ \| `([\w.]+)` \|$", re.MULTILINE)
WORDS = ROW.findall((ROOT / "docs" / "concepts.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize("dotted", [dotted for _, dotted in WORDS])
def test_what_carries_a_word_exists(dotted: str) -> None:
    """A word whose type was renamed is one that nobody finds."""
    if (ROOT / f"{dotted.replace('.', '/')}.py").is_file():
        return
    module, _, name = dotted.rpartition(".")
    if module.startswith("suite.worker"):  # which needs the training packages
        source = ROOT / module.replace(".", "/")
        source = source / "__init__.py" if source.is_dir() else source.with_suffix(".py")
        assert f"class {name}" in source.read_text(encoding="utf-8")
    else:
        assert hasattr(importlib.import_module(module), name)


def test_a_word_means_one_thing() -> None:
    """No word is in the list twice, and no type has two words."""
    for column in zip(*WORDS, strict=True):
        assert {name for name, count in Counter(column).items() if count > 1} == set()


def test_every_type_of_a_record_has_its_word() -> None:
    """Whoever reads a record's schema finds each of its types explained."""
    schema = json.loads((ROOT / "schema" / "record-v4.json").read_text(encoding="utf-8"))
    named = {dotted.rpartition(".")[2] for _, dotted in WORDS}
    assert schema["$defs"].keys() - named == set()
