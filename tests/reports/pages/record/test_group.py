"""A record's page of several GPUs: ranks, what joins them, steps that differ, what is unknown."""

from pathlib import Path

import msgspec

from reports.pages.record import group as group_view
from reports.pages.record.group import RecordGroup
from reports.site.build import build
from suite.results.record import GpuLink, Record, Topology, seal
from support import gpu_records, records, sites
from support.gpu_records import GIB

MOST_BYTES = 100_000  #: of a record's page


def view(record: Record) -> RecordGroup:
    found = group_view.of_record(record)
    assert found is not None
    return found


def joined(*links: GpuLink) -> dict[str, str]:
    record = gpu_records.several(peaks=(GIB,) * 3)
    assert record.group is not None
    group = msgspec.structs.replace(record.group, topology=Topology(links=links))
    return dict(view(msgspec.structs.replace(record, group=group)).facts)


def test_the_page_has_ranks_interconnect_and_steps(tmp_path: Path) -> None:
    """Each rank's own peak, rates by size, the step in which one kept the other waiting."""
    record = gpu_records.several(late=9)
    site = build(sites.collection(record, gpu_records.record()), tmp_path / "site").parent
    place = site / "records" / f"{record.record_id}.html"
    page = sites.Page(place)
    assert place.stat().st_size < MOST_BYTES
    sites.assert_well_formed([page])
    assert [row[:4] for row in sites.table(page, "Memory peak over all steps")] == [
        ["0", "cuda:0", "20 GiB", "20 GiB"],
        ["1", "cuda:1", "21 GiB", "21 GiB"],
    ]
    rates = sites.table(page, "Before the model was loaded")
    assert [(row[0], row[2]) for row in rates] == [("1 MiB", "200 GB/s"), ("64 MiB", "200 GB/s")]
    (step,) = sites.table(page, "Farthest apart first")
    assert (step[0], step[2], step[4]) == ("10", "0.1000 (rank 0)", "100 %")
    assert "time of 1 of 17 steps; at most by 100 %. Their gradient norms are equal" in page.text
    (alone,) = [p for p in (site / "records").glob("*.html") if p != place]
    assert "Several GPUs" not in sites.Page(alone).text


def test_how_gpus_are_joined_is_said_by_kind_of_path() -> None:
    """One kind for all pairs is said once, several with their pairs; unknown is a word."""
    link = GpuLink(first=0, second=1, path="nvlink")
    far = GpuLink(first=0, second=2, path="between-numa-nodes")
    near = GpuLink(first=1, second=2, path="nvlink")
    third = GpuLink(first=0, second=2, path="nvlink")
    assert joined(link, near)["GPUs joined by"] == "NVLink (0–1, 1–2)", "one pair is not known"
    assert joined(link, near, third)["GPUs joined by"] == "NVLink, each with each"
    assert joined(link, far)["GPUs joined by"] == "NVLink (0–1); the link between NUMA nodes (0–2)"
    assert "GPUs joined by" not in joined()


def test_a_rank_that_did_not_get_far_leaves_words() -> None:
    """It said nothing of its weights, and no step was taken together."""
    record = gpu_records.several(peaks=(GIB, GIB))
    assert record.group is not None
    ranks = (
        record.group.ranks[0],
        msgspec.structs.replace(record.group.ranks[1], ready=None, steps=(), phases=()),
    )
    group = msgspec.structs.replace(record.group, ranks=ranks, interconnect=None, topology=None)
    found = view(seal(msgspec.structs.replace(record, group=group)))
    assert found.ranks is not None
    assert found.ranks.rows[1] == ("1", *("unknown",) * 5, "0")
    assert (found.transfers, found.said, found.steps) == (None, "", None)
    assert group_view.of_record(records.record()) is None
