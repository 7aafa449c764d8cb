"""Hosts in the time model: their speed moves the host's part, and only where it is known."""

from collections.abc import Sequence

import msgspec
import pytest

from suite.catalog import profile as profiles
from suite.estimate import explain, planner, project, step_time, time_samples
from suite.estimate.planner import Entry
from suite.estimate.step_time import TimeModel
from suite.estimate.time_samples import Rates, TimeSample
from suite.paths import RESULTS
from suite.results import hosts
from suite.results.record import Record
from suite.results.storage import run_folder
from suite.wire import HostProbe
from support.asked import case
from support.planted_times import PLANTED, WORKS, sample

HOST = HostProbe(kernel_launches_per_second=200e3, python_operations_per_second=50e6)
HOST_BOUND = ("qwen3-0.6b", "lora", 512, 4)
ELSEWHERE = profiles.load("rtx-pro-6000-max-q")


@pytest.fixture(scope="module")
def unprobed() -> tuple[Record, ...]:
    """The published records as if no host had been probed, which is so of most of them."""
    return tuple(on_host(record, None) for record in run_folder.read([RESULTS]).records)


def on_host(record: Record, host: HostProbe | None) -> Record:
    probe = record.environment.probe
    probe = probe and msgspec.structs.replace(probe, host=host)
    environment = msgspec.structs.replace(record.environment, probe=probe)
    return msgspec.structs.replace(record, environment=environment)


def times(factor: float, host: HostProbe = HOST) -> HostProbe:
    """A host that does everything ``factor`` times as fast."""
    return HostProbe(
        kernel_launches_per_second=factor * (host.kernel_launches_per_second or 0),
        python_operations_per_second=factor * (host.python_operations_per_second or 0),
    )


def seconds(records: Sequence[Record]) -> list[tuple[float, float, float]]:
    """What is projected to a measured card, and to two that were not."""
    found = project.fit_projector(records)
    assert found is not None
    wanted = [case(*work) for work in (HOST_BOUND, ("qwen3-32b", "unsloth-qlora", 2048, 2))]
    cards = [profiles.load("h200-sxm"), ELSEWHERE, profiles.load("b200")]
    steps = [found.project(each, card).seconds for each in wanted for card in cards]
    return [(step.value, step.low, step.high) for step in steps]


def on(host_speed: float | None, rates: Rates | None = None) -> Rates:
    base = sample(*HOST_BOUND).rates if rates is None else rates
    return msgspec.structs.replace(base, host_speed=host_speed)


def planted(work: tuple[str, str, int, int], host_speed: float) -> TimeSample:
    """A case that takes what the planted factors say of a host whose typical speed is 3e6."""
    made = sample(*work, rates=on(host_speed))
    known = TimeModel(factors=PLANTED, samples=(), host_speed=3e6)
    taken = known.parts(made.case, made.rates).seconds
    return msgspec.structs.replace(made, seconds=taken)


def test_one_number_for_a_host_needs_both_rates() -> None:
    """The mean of launches and Python; one of them alone is compared with no other host's."""
    assert hosts.speed(HOST) == pytest.approx((200e3 * 50e6) ** 0.5)
    assert hosts.speed(times(2)) == pytest.approx(2 * (hosts.speed(HOST) or 0))
    assert hosts.speed(msgspec.structs.replace(HOST, kernel_launches_per_second=None)) is None
    assert hosts.speed(None) is None


def test_probes_of_one_host_everywhere_move_no_projection(unprobed: tuple[Record, ...]) -> None:
    """Where all hosts are alike, or none was probed, every number is the same to the digit."""
    assert seconds([on_host(record, HOST) for record in unprobed]) == seconds(unprobed)


def test_a_slower_host_makes_its_own_part_longer() -> None:
    """Half the speed is twice the host's time, whoever was fitted; the GPU's part stays."""
    model = TimeModel(factors=PLANTED, samples=(), host_speed=4e6)
    wanted = case(*HOST_BOUND)
    usual, slow, unknown = (model.parts(wanted, on(speed)) for speed in (4e6, 2e6, None))
    assert usual == unknown
    assert slow.host == pytest.approx(2 * usual.host)
    assert slow.gpu == usual.gpu
    assert slow.seconds > 1.5 * usual.seconds
    unfitted = TimeModel(factors=PLANTED, samples=())
    assert unfitted.parts(wanted, on(2e6)).host == usual.host


def test_hosts_that_differ_are_told_from_factors() -> None:
    """Cases of slow and fast hosts: knowing them, the fit predicts both; blind, it misses."""
    speeds = (1.5e6, 3e6, 3e6, 6e6)
    found = [planted(work, speeds[n % 4]) for n, work in enumerate(WORKS)]
    blind = [msgspec.structs.replace(s, rates=on(None, s.rates)) for s in found]

    def worst(samples: Sequence[TimeSample]) -> float:
        model = step_time.fit_factors(samples)
        return max(abs(model.parts(s.case, s.rates).seconds / s.seconds - 1) for s in samples)

    assert step_time.fit_factors(found).host_speed == 3e6
    assert worst(found) < 0.05
    assert worst(blind) > 0.2


def test_unprobed_records_among_probed_ones_are_of_the_median_host(
    unprobed: tuple[Record, ...],
) -> None:
    """Every second record with a probe of one host: nothing tells the others are another."""
    mixed = [on_host(r, HOST if n % 2 else None) for n, r in enumerate(unprobed)]
    assert seconds(mixed) == seconds(unprobed)


def test_an_absurd_probe_is_left_out(unprobed: tuple[Record, ...]) -> None:
    """A stranger's host that starts 1e18 kernels a second changes no projection."""
    absurd = on_host(unprobed[0], times(1e12))
    assert seconds([absurd, *unprobed[1:]]) == seconds(unprobed)


def failed_on(profile: str, record: Record, host: HostProbe) -> Record:
    """A record of another card that tells no time, but how fast its host was."""
    lost = msgspec.structs.replace(record, profile=profile, outcome="error", steps=())
    return on_host(lost, host)


def test_a_known_host_of_an_unmeasured_card_takes_its_range_away(
    unprobed: tuple[Record, ...],
) -> None:
    """Twice as fast: the host takes half, and the interval narrows where the host decides."""
    probed = [on_host(record, HOST) for record in unprobed]
    assumed, known = project.fit_projector(probed), None
    known = project.fit_projector([*probed, failed_on(ELSEWHERE.name, probed[0], times(2))])
    assert assumed is not None
    assert known is not None
    wanted = case(*HOST_BOUND)
    before, after = (each.project(wanted, ELSEWHERE) for each in (assumed, known))
    assert (before.host, after.host) == ("assumed", "probed")
    assert after.parts.host == pytest.approx(before.parts.host / 2)
    assert after.parts.gpu == before.parts.gpu
    width = [each.seconds.high / each.seconds.low for each in (before, after)]
    assert width[1] < 0.8 * width[0]
    there = profiles.load("h200-sxm")
    assert known.project(wanted, there).host == "probed"
    assert known.project(wanted, there).seconds == assumed.project(wanted, there).seconds


def test_a_known_host_says_nothing_beside_unknown_ones(unprobed: tuple[Record, ...]) -> None:
    """Only the target was probed: no ratio can be had, so its range stays."""
    found = project.fit_projector([*unprobed, failed_on(ELSEWHERE.name, unprobed[0], times(2))])
    plain = project.fit_projector(unprobed)
    assert found is not None
    assert plain is not None
    wanted = case(*HOST_BOUND)
    assert found.project(wanted, ELSEWHERE).host == "assumed"
    assert found.project(wanted, ELSEWHERE).seconds == plain.project(wanted, ELSEWHERE).seconds
    assert plain.project(wanted, profiles.load("h200-sxm")).host == "typical"


def test_the_fine_print_says_what_the_hosts_part_rests_on(unprobed: tuple[Record, ...]) -> None:
    """Assumed, probed or taken as the median, each with the cards it is of."""
    wanted = case("qwen3-8b", "lora", 1000)
    probed = [
        on_host(record, HOST if record.profile == "h100-sxm" else None) for record in unprobed
    ]
    found = planner.fit_planner([*probed, failed_on(ELSEWHERE.name, probed[0], times(2))])

    def said(*names: str) -> str:
        entries: list[Entry] = [found.entry(wanted, profiles.load(name)) for name in names]
        return " ".join(explain.fine_print(entries, found.grounds()))

    assert "assumed to take 0.5 to 2 times as long" in said("b200")
    assert f"Host of {explain.marked(ELSEWHERE.name, ELSEWHERE)}: probed" in said(ELSEWHERE.name)
    assert "assumed to take" not in said(ELSEWHERE.name)
    both = said("h100-sxm", "h200-sxm")
    assert "Host of h100-sxm: probed" in both
    assert "Host of h200-sxm: not probed, taken as the median one" in both


def test_samples_have_the_median_of_their_launches_hosts(unprobed: tuple[Record, ...]) -> None:
    """Three launches on hosts that differ count as one case on the middle one."""
    first = next(r for r in unprobed if time_samples.samples([r]))
    launches = [on_host(first, times(factor)) for factor in (1.0, 3.0, 1.5)]
    (made,) = time_samples.samples(launches)
    assert made.rates.host_speed == hosts.speed(times(1.5))
