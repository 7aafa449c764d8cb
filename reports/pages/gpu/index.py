"""All hardware that is known: what the catalog says of it, and whether it was measured."""

import msgspec

from reports.analysis.dataset import Dataset
from reports.analysis.workloads import profile_titles
from reports.text import columns, facts, gpu_facts
from reports.text.addresses import gpu_page
from reports.text.gpu_facts import ShownFact
from suite import units
from suite.catalog import profile as profiles
from suite.catalog.profile import Profile

FIELDS = ("memory_bytes", "memory_bytes_per_second", "bf16_flops", "board_power_watts")


class GpuRow(msgspec.Struct, frozen=True, kw_only=True):
    """One profile; ``page`` is "" without a record, ``facts`` are in the order of ``FIELDS``.

    ``figures`` are texts. ``verified`` says in words whether the suite has run on it.
    """

    name: str
    title: str
    page: str
    figures: tuple[str, ...]
    facts: tuple[ShownFact, ...]
    measured: str
    verified: str


def listed(dataset: Dataset) -> tuple[GpuRow, ...]:
    """Return the catalog's profiles, GPUs first, then those that only records know."""
    titles = profile_titles(dataset)
    catalog = profiles.everything()
    catalog.sort(key=lambda profile: (not profile.has_gpu, profile.name))
    rows = [_listed(dataset, each, each.name, each.title, titles) for each in catalog]
    strangers = [name for name in titles if name not in {each.name for each in catalog}]
    rows += [
        _listed(dataset, recorded(dataset, name), name, titles[name], titles) for name in strangers
    ]
    kinds = [columns.aligned(texts) for texts in zip(*(row.figures for row in rows), strict=True)]
    return tuple(
        msgspec.structs.replace(row, figures=tuple(column[place] for column in kinds))
        for place, row in enumerate(rows)
    )


def recorded(dataset: Dataset, name: str) -> Profile | None:
    """Return the profile as the newest record of it that has one says."""
    for group in dataset.groups:  # newest run first
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
        return "unverified: the suite never ran on it"
    return "the suite ran on it, no results here"


def _listed(
    dataset: Dataset,
    profile: Profile | None,
    name: str,
    title: str,
    titles: dict[str, str],
) -> GpuRow:
    records = [
        record
        for group in dataset.groups
        if group.first.profile == name
        for record in group.records
    ]
    good = sum(record.outcome == "ok" for record in records)
    counted = f"{units.counted(len(records), 'result')}, {units.count(good)} with numbers"
    return GpuRow(
        name=name,
        title=title,
        page=gpu_page(name) if name in titles else "",
        figures=tuple(
            gpu_facts.UNKNOWN if profile is None else gpu_facts.value(profile, field)
            for field in FIELDS
        ),
        facts=() if profile is None else gpu_facts.shown_facts(profile),
        measured=facts.with_origins(counted, records) if records else "not measured",
        verified=verified(profile, bool(records)),
    )
