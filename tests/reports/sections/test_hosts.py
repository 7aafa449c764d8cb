"""The host beside cards that are compared: what was measured, what differs, what nobody knows."""

from pathlib import Path

import msgspec
import pytest

from reports.export import markdown
from reports.sections import hosts
from reports.site.build import build
from suite.results.record import Record
from suite.wire import HostProbe, Probe
from support import gpu_records, records, sites
from support.cards import changed, there
from support.sites import table

HOST = HostProbe(
    kernel_launches_per_second=200e3,
    python_operations_per_second=40e6,
    memory_bytes_per_second=20e9,
    cpu_family=6,
    cpu_model=143,
    cpu_stepping=8,
    numa_nodes=2,
    unavailable={"pinned_bytes_per_second": "Operation not permitted"},
)
PAIR = "card-against-card/a-card--h200-sxm.html"
ALONE = "Steps that wait for the host are not compared by GPU alone."


def probed(
    record: Record, host: HostProbe | None, after: HostProbe | None = None, **around: object
) -> Record:
    """The record with such a host."""
    probe = Probe(
        matmul_flops_per_second=8e14,
        matmul="m",
        copy_bytes_per_second=4e12,
        copy="c",
        host=host,
        host_after=after,
    )
    environment = msgspec.structs.replace(record.environment, probe=probe, **around)
    return changed(record, environment=environment)


def other(**changes: object) -> HostProbe:
    return msgspec.structs.replace(HOST, **changes)


def opened(folder: Path, page: str, *found: Record) -> sites.Page:
    return sites.Page(build(sites.collection(*found), folder / "site").parent / page)


def test_a_record_says_how_fast_its_host_was(tmp_path: Path) -> None:
    """Before and after, with the processor's own numbers, and the reason of what is not there."""
    record = probed(gpu_records.record(), HOST, other(kernel_launches_per_second=150e3))
    page = opened(tmp_path, f"records/{record.record_id}.html", record)
    rows = {row[0]: row[1:] for row in table(page, "How fast one thread of the host was, A CPU")}
    assert rows["Kernel launches"] == ["200 k/s", "150 k/s"]
    assert rows["Python operations"] == ["40 M/s", "40 M/s"]
    assert rows["Memory copies of one thread"] == ["20 GB/s", "20 GB/s"]
    assert rows["Memory made page-locked"] == ["unknown: Operation not permitted"] * 2
    assert rows["NUMA nodes"] == ["2", ""]
    assert "A CPU (family 6, model 143, stepping 8)" in page.text


def test_a_case_that_did_not_end_has_no_host_after_it(tmp_path: Path) -> None:
    """Not reached, which is another thing than unknown."""
    record = probed(gpu_records.failed(), HOST)
    page = opened(tmp_path, f"records/{record.record_id}.html", record)
    assert table(page, "How fast one thread")[0] == ["Kernel launches", "200 k/s", "not reached"]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (records.record(schema=2), "results before schema 3 have no probe of it"),
        (records.record(), "no probe was made"),
        (
            records.record(
                environment=msgspec.structs.replace(
                    records.environment(), unavailable={"probe": "the probe ended with 1: no room"}
                )
            ),
            "the probe ended with 1: no room",
        ),
    ],
    ids=["old", "none", "failed"],
)
def test_a_host_that_was_not_measured_has_its_reason(record: Record, reason: str) -> None:
    """An old record, one of which nothing was probed, and a probe that failed."""
    assert hosts.of_record(record) == hosts.RecordHost(rows=(), processor="", reason=reason)


def test_hosts_that_differ_stand_beside_the_ratios(tmp_path: Path) -> None:
    """By rate, at the head of the page and at the case; what is within 10 % is not named."""
    ours = [probed(gpu_records.record(launch=n), HOST) for n in (1, 2)]
    slow = other(kernel_launches_per_second=144e3, python_operations_per_second=38e6)
    theirs = there(*(probed(each, slow, cpu="B CPU") for each in ours))
    page = opened(tmp_path, PAIR, *ours, *theirs)
    said = f"The hosts differ, a-card ÷ NVIDIA H200 SXM: kernel launches 0.72×. {ALONE}"
    assert said in page.text
    rows = {row[0]: row[1:] for row in table(page, "Hosts of the two GPUs")}
    assert rows["Kernel launches"] == ["144 k/s", "200 k/s", "0.72×"]
    assert rows["Python operations"] == ["38 M/s", "40 M/s", "0.95×"]
    numbers = "(family 6, model 143, stepping 8)"
    assert rows["Processor"] == [f"B CPU {numbers}", f"A CPU {numbers}", ""]
    assert rows["Probed"] == ["2 of 2 results", "2 of 2 results", ""]
    (case,) = table(page, "4 × up to 128 tokens")
    assert "hosts differ: kernel launches 0.72×" in case[1]


def test_hosts_that_are_alike_are_said_to_be(tmp_path: Path) -> None:
    """A tenth apart is alike, and the reader is not warned."""
    ours = probed(gpu_records.record(), HOST)
    theirs = there(probed(ours, other(kernel_launches_per_second=183e3)))
    page = opened(tmp_path, PAIR, ours, *theirs)
    assert "The hosts are alike: no measured rate differs by more than 10 %." in page.text
    assert ALONE not in page.text
    assert "hosts alike" in table(page, "4 × up to 128 tokens")[0][1]


def test_an_unmeasured_host_is_said_plainly(tmp_path: Path) -> None:
    """One side is of before the probe: no ratio of hosts, and nothing made up."""
    ours = gpu_records.record()
    page = opened(tmp_path, PAIR, ours, *there(probed(ours, HOST)))
    assert f"Host not measured on NVIDIA H200 SXM. {ALONE}" in page.text
    rows = {row[0]: row[1:] for row in table(page, "Hosts of the two GPUs")}
    assert rows["Kernel launches"] == ["200 k/s", "host not measured", "unknown"]
    assert rows["Processor"][1] == "A CPU"
    assert "host not measured" in table(page, "4 × up to 128 tokens")[0][1]


def test_some_records_with_a_probe_speak_for_those_alone() -> None:
    """Medians and range of the probed, how many they are, and one processor known by one name."""
    mixed = [
        gpu_records.record(),
        probed(gpu_records.record(launch=2), HOST),
        probed(gpu_records.record(launch=3), other(kernel_launches_per_second=100e3)),
    ]
    found = hosts.side(mixed)
    assert found.count == "2 of 3 results"
    assert found.texts["kernel_launches_per_second"] == "150 k/s (100 k/s–200 k/s)"
    assert found.processors == "A CPU (family 6, model 143, stepping 8)"


def test_a_cards_page_and_markdown_name_its_hosts(tmp_path: Path) -> None:
    """The card alone, the table of all cards, and the same as Markdown."""
    ours = probed(gpu_records.record(), HOST)
    theirs = there(probed(ours, other(python_operations_per_second=20e6)))
    found = sites.collection(ours, *theirs)
    site = build(found, tmp_path / "site").parent
    assert "Kernel launches 200 k/s" in sites.Page(site / "gpus" / "h200-sxm.html").text
    rows = table(sites.Page(site / "gpus.html"), "The hosts behind the GPUs")
    assert [row[2:] for row in rows] == [
        ["200 k/s", "20 M/s", "20 GB/s", "1 of 1 result"],
        ["200 k/s", "40 M/s", "20 GB/s", "1 of 1 result"],
    ]
    text = markdown.markdown(found, "hosts")
    assert "| 200 k/s | 20 M/s | 20 GB/s |" in text
    assert "- a-card ÷ NVIDIA H200 SXM: Python operations 0.50×." in text
    assert markdown.markdown(sites.collection(records.record()), "hosts") == ""
