"""What pages and Markdown call things."""

import re

import pytest

from reports.text import phrases
from suite.paths import ROOT


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        (f"dummy seed 17 fill {phrases.FILL}", "random weights (seed 17)"),
        ("dummy seed 17", "random weights (seed 17, fill 1)"),
        ("dummy", "random weights"),
        ("hub Qwen/Qwen3-8B@0123abc", "hub Qwen/Qwen3-8B@0123abc"),
        ("dummy seed 17 of a stranger", "dummy seed 17 of a stranger"),
    ],
)
def test_base_weights_have_a_name_for_readers(stored: str, shown: str) -> None:
    """Weights that were drawn in another way keep another name: they do not compare."""
    assert phrases.weights_name(stored) == shown


def test_todays_weights_are_those_that_the_worker_draws() -> None:
    """The worker's module needs the training packages, so its number is read from its source."""
    source = (ROOT / "suite" / "worker" / "model" / "weights.py").read_text(encoding="utf-8")
    (drawn,) = re.findall(r"^FILL_VERSION: Final = (\d+)$", source, re.MULTILINE)
    assert int(drawn) == phrases.FILL
