"""The suite's own needs are said before anything runs, and never blamed on a library."""

import re

import pytest

from suite.catalog import lowest
from suite.errors import BadInput
from suite.paths import ROOT


def test_an_older_library_is_refused_by_what_the_suite_needs_of_it() -> None:
    """Which, from which version on, what for, and whose is too old; what is absent is not."""
    with pytest.raises(BadInput) as caught:
        lowest.refuse({"transformers": "5.0.0", "trl": "1.15.0"}, "the base")
    assert "transformers 5.2.0 or newer" in caught.value.message
    assert "train_sampling_strategy" in caught.value.message
    assert "the base has 5.0.0" in caught.value.message
    assert "trl" not in caught.value.message
    lowest.refuse({"transformers": "5.2.0"}, "the base")
    lowest.refuse({"transformers": "our-own-build"}, "the base")


def test_the_lock_is_new_enough() -> None:
    """What this repository pins is at least what it says it needs."""
    text = (ROOT / "requirements" / "train.in").read_text()
    pins = dict(re.findall(r"^([\w-]+)==(\S+)$", text, flags=re.MULTILINE))
    assert {"transformers", "trl", "peft", "accelerate", "bitsandbytes"} <= pins.keys()
    assert lowest.too_old(pins) == ()
