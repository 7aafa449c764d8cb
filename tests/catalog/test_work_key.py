"""A field that is added later leaves the key of everything that was measured before as it is."""

from typing import Any

import msgspec
import pytest

from suite.catalog import case as cases
from suite.catalog import tier as tiers
from suite.catalog.architecture import Architecture, Experts
from suite.catalog.case import Case
from suite.catalog.method import Adapter
from suite.catalog.tier import Workload
from suite.catalog.work_key import VERSION_1, hashed

#: Of the first case of each tier, and of the one with experts.
PINNED = {
    "gpt-oss": "3f255f413954cf2b",
    "ladder": "4334b0d07c588bd2",
    "padding": "4b650a2a8c0bce6c",
    "smoke": "ec58eeb6c0ad6522",
}


@pytest.mark.parametrize(("tier", "key"), PINNED.items())
def test_keys_are_those_of_the_first_version(tier: str, key: str) -> None:
    """They stand in published records, and in those of others that no test can see."""
    case = cases.cases(tiers.load(tier), loop="sft", seed=17)[0]
    assert cases.work_key(case) == key


@pytest.mark.parametrize("kind", [Architecture, Workload, Adapter, Experts])
def test_a_later_field_counts_only_off_its_default(kind: type[Any]) -> None:
    """An older case did what the default says; with another value it is other work."""
    later = msgspec.defstruct("Later", [("new", int, 0)], bases=(kind,), frozen=True, kw_only=True)
    old = _some(kind)
    fields = {name: getattr(old, name) for name in old.__struct_fields__}
    assert hashed(later(**fields)) == hashed(old)
    assert hashed(later(**fields, new=1)) == {**hashed(old), "new": 1}


def test_every_field_of_version_1_counts_at_its_default_too() -> None:
    """Their defaults were part of the digest from the first published record on."""
    for kind, names in VERSION_1.items():
        assert tuple(hashed(_some(kind))) == names


def _some(kind: type[Any]) -> Any:
    case: Case = cases.cases(tiers.load("gpt-oss"), loop="sft", seed=0)[0]
    architecture = case.model.architecture
    found = {Architecture: architecture, Experts: architecture.experts}
    return {**found, Workload: case.workload, Adapter: case.method.adapter}[kind]
