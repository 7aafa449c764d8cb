"""All hardware that is known: what the catalog says of it, and whether it was measured."""

import msgspec

from reports.analysis.dataset import Material
from reports.analysis.workloads import profile_titles
from reports.text import gpu_facts
from reports.text.addresses import gpu_page
from reports.text.gpu_facts import Said
from suite import units
from suite.catalog import profile as profiles
from suite.catalog.profile import Profile

FIELDS = ("memory_bytes", "memory_bytes_per_second", "bf16_flops", "board_power_watts")


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One profile; ``page`` is "" without a record, ``facts`` are in the order of ``FIELDS``.

    ``figures`` are texts. ``verified`` says in words whether the suite has run on it.
    """

    name: str
    title: str
    page: str
    figures: tuple[str, ...]
    facts: tuple[Said, ...]
    measured: str
    verified: str


def listed(material: Material) -> tuple[Listed, ...]:
    """Return the catalog's profiles, GPUs first, then those that only records know."""
    titles = profile_titles(material)
    catalog = profiles.everything()
    catalog.sort(key=lambda profile: (profile.device == "cpu", profile.name))
    found = [_listed(material, each, each.name, each.title, titles) for each in catalog]
    strangers = [name for name in titles if name not in {each.name for each in catalog}]
    return (
        *found,
        *(
            _listed(material, recorded(material, name), name, titles[name], titles)
            for name in strangers
        ),
    )


def recorded(material: Material, name: str) -> Profile | None:
    """Return the profile as the newest record of it that has one says."""
    for group in material.groups:  # newest run first
        if group.first.profile == name:
            for record in group.records:
                if record.hardware is not None:
                    return record.hardware
    return None


def verified(profile: Profile | None, measured: bool) -> str:
    """Return in words whether the suite has run on this hardware."""
    if measured:
        return "measured here"
    if profile is None or not profile.verified:
        return "unverified: the suite was never run on it"
    return "the suite ran on it, no results here"


def _listed(
    material: Material,
    profile: Profile | None,
    name: str,
    title: str,
    titles: dict[str, str],
) -> Listed:
    found = [
        record
        for group in material.groups
        if group.first.profile == name
        for record in group.records
    ]
    good = sum(record.outcome == "ok" for record in found)
    counted = f"{units.counted(len(found), 'record')}, {units.count(good)} with numbers"
    return Listed(
        name=name,
        title=title,
        page=gpu_page(name) if name in titles else "",
        figures=tuple(
            gpu_facts.UNKNOWN if profile is None else gpu_facts.value(profile, field)
            for field in FIELDS
        ),
        facts=() if profile is None else gpu_facts.said(profile),
        measured=counted if found else "not measured",
        verified=verified(profile, bool(found)),
    )
