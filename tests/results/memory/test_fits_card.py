"""Whether another card would hold a case: the edges, and what an unknown leaves open."""

import pytest

from suite.catalog import profile as profiles
from suite.paths import RESULTS
from suite.results.memory.fits_card import Need, card_bytes, largest_need, need, verdict
from suite.results.storage import run_folder
from support import gpu_records
from support.gpu_records import GIB


@pytest.mark.parametrize(
    ("least", "fragmented", "said"),
    [
        (90, 95, "fits"),
        (90, 95.001, "tight"),
        (100, 130, "tight"),
        (100.001, 130, "does not fit"),
    ],
)
def test_the_edges_between_fits_tight_and_does_not_fit(least: float, fragmented: float, said: str):
    """With fragmentation up to 95 % of a card fits; tensors and context up to 100 % are tight."""
    wanted = Need(
        allocated_bytes=round(least * GIB) - GIB,
        reserved_bytes=round(fragmented * GIB) - GIB,
        context_bytes=GIB,
    )
    assert verdict(wanted, 100 * GIB) == said


def test_without_the_context_only_the_impossible_is_certain():
    """More tensors than memory do not fit; less may or may not."""
    wanted = Need(allocated_bytes=50 * GIB, reserved_bytes=60 * GIB)
    assert verdict(wanted, 49 * GIB) == "does not fit"
    assert verdict(wanted, 140 * GIB) == "unknown"
    assert verdict(wanted, None) == "unknown"


def test_a_need_is_the_highest_peak_from_loading_on_and_the_context():
    """A card must survive loading, also where training needs less."""
    phases = gpu_records.phases(20 * GIB, reserved=25 * GIB, load=30 * GIB)
    found = need(gpu_records.record(phases=phases))
    assert (found.least_bytes, found.fragmented_bytes) == (31 * GIB, 31 * GIB)
    assert found.phase == "load"
    found = need(gpu_records.record(phases=gpu_records.phases(20 * GIB, reserved=25 * GIB)))
    assert (found.least_bytes, found.fragmented_bytes) == (21 * GIB, 26 * GIB)


def test_a_sample_that_missed_the_peak_is_no_context():
    """NVML below what torch reserved says nothing, and is not counted as a negative context."""
    phases = gpu_records.phases(20 * GIB, context=-GIB)
    found = need(gpu_records.record(phases=phases))
    assert found.context_bytes is None
    assert found.least_bytes is None
    assert "NVML" in found.reason


def test_what_did_not_end_or_was_not_counted_has_no_need():
    """Out of memory, or a CPU: unknown, with the reason."""
    assert "oom" in need(gpu_records.failed()).reason
    uncounted = gpu_records.record(phases=gpu_records.phases(None))
    assert need(uncounted).reason == "not counted here"
    assert largest_need([]).least_bytes is None


def test_of_several_launches_the_largest_counts():
    """And one that is unknown makes all of them unknown: it could have been larger."""
    found = [gpu_records.record(launch=n, allocated=n * GIB) for n in (1, 3, 2)]
    assert largest_need(found).allocated_bytes == 3 * GIB
    unknown = gpu_records.record(launch=4, phases=gpu_records.phases(9 * GIB, context=None))
    assert largest_need([*found, unknown]).least_bytes is None


def test_a_card_offers_what_nvml_counts_not_what_the_box_says():
    """The profile of the H200 has the total that its published records read from NVML."""
    offered = card_bytes(profiles.load("h200-sxm"))
    totals = {
        record.environment.gpu.memory_total_bytes
        for record in run_folder.read([RESULTS / "h200-sxm"]).records
        if record.environment.gpu is not None
    }
    assert offered in totals
    assert card_bytes(profiles.load("cpu")) is None


def test_every_published_record_fits_the_card_that_it_ran_on():
    """What ran somewhere cannot be said not to fit there."""
    for record in run_folder.read([RESULTS]).records:
        gpu = record.environment.gpu
        if record.outcome == "ok" and gpu is not None:
            assert verdict(need(record), gpu.memory_total_bytes) != "does not fit"
