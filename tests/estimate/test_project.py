"""Projections to cards that did not run a case: physics keeps its signs, and doubt its width."""

import msgspec
import pytest

from suite import paths
from suite.catalog import profile as profiles
from suite.catalog.profile import Fact, Facts, Profile
from suite.estimate import power, project, time_samples
from suite.estimate.project import Projector
from suite.estimate.roofline import demand
from suite.estimate.time_samples import TimeSample
from suite.results.record import Record
from suite.results.storage import run_folder
from support.asked import case

RESULTS = paths.RESULTS / "h200-sxm"


@pytest.fixture(scope="module")
def published() -> tuple[Record, ...]:
    return run_folder.read([RESULTS]).records


@pytest.fixture(scope="module")
def projector(published: tuple[Record, ...]) -> Projector:
    found = project.fit_projector(published)
    assert found is not None
    return found


def card(**facts: float | None) -> Profile:
    """A card that nobody has: an H100 SXM with other facts."""
    known = profiles.load("h100-sxm")
    changed = {
        name: None if value is None else Fact(value=value, source="made up")
        for name, value in facts.items()
    }
    merged = Facts(**{f: getattr(known.facts, f) for f in Facts.__struct_fields__} | changed)
    return msgspec.structs.replace(known, name="made-up", facts=merged)


def test_less_power_never_makes_a_step_shorter(projector: Projector) -> None:
    """At a third of the power the board decides, and draws no more than it has."""
    wanted = case("qwen3-32b", "unsloth-lora")
    whole = projector.project(wanted, card(board_power_watts=2000))
    capped = projector.project(wanted, card(board_power_watts=230))
    assert not whole.power_limits
    assert capped.power_limits
    assert capped.seconds.value > whole.seconds.value
    assert capped.joules is not None
    assert capped.joules.value <= 230 * capped.seconds.value * (1 + 1e-9)


def test_another_architecture_with_more_peak_for_its_power_needs_less_for_an_operation() -> None:
    """A B200 does, a smaller board with an H200's own chip does not, and none is a spendthrift."""
    measured = [profiles.load("h200-sxm")]
    assert power.thrift(profiles.load("b200"), measured) < 0.9
    assert power.thrift(profiles.load("h100-pcie"), measured) == 1
    assert power.thrift(profiles.load("rtx-4090"), measured) == 1


def test_faster_memory_and_products_shorten_a_step(projector: Projector) -> None:
    """Each rate helps where its part is; the host's part stays."""
    wanted = case("qwen3-8b", "qlora")
    base = projector.project(wanted, card(board_power_watts=2000))
    fast = projector.project(
        wanted, card(board_power_watts=2000, memory_bytes_per_second=6.7e12, bf16_flops=1978e12)
    )
    assert fast.parts.matmul == pytest.approx(base.parts.matmul / 2)
    assert fast.parts.weights == pytest.approx(base.parts.weights / 2)
    assert fast.parts.host == base.parts.host
    assert fast.seconds.value < base.seconds.value


def test_a_card_that_was_measured_is_surer_than_one_that_was_not(projector: Projector) -> None:
    """The interval is wider where rates are those of a data sheet, and the answer says which."""
    wanted = case("qwen3-32b", "lora", tokens=4096)
    there = projector.project(wanted, profiles.load("h200-sxm"))
    elsewhere = projector.project(wanted, profiles.load("rtx-pro-6000-max-q"))
    assert there.card_measured
    assert not elsewhere.card_measured
    width = [each.high / each.low for each in (there.seconds, elsewhere.seconds)]
    assert width[1] > width[0] > 1


def test_unknown_facts_are_a_reason_and_no_guess(projector: Projector) -> None:
    """Without bandwidth nothing is projected; without a link nothing that offloads is."""
    lora, offloads = case("qwen3-8b", "lora"), case("qwen3-8b", "unsloth-lora")
    assert "bandwidth" in projector.lacks(lora, card(memory_bytes_per_second=None))
    assert "link" in projector.lacks(offloads, card(pcie_generation=None))
    assert projector.lacks(lora, card(pcie_generation=None)) == ""
    assert projector.lacks(lora, profiles.load("cpu")) == "not a GPU"


def test_energy_is_recovered_and_unknown_where_none_is(published: tuple[Record, ...]) -> None:
    """Planted joules come back; three cases are too few to say anything."""
    found = [
        msgspec.structs.replace(
            s, joules=150 * s.seconds + 8e-13 * s.demand.flops + 1e-10 * s.demand.traffic_bytes
        )
        for s in time_samples.samples(published)
    ]
    fitted = power.fit_energy(found)
    assert fitted is not None
    wanted = demand(case("qwen3-32b", "full"))
    planted = 8e-13 * wanted.flops + 1e-10 * wanted.traffic_bytes
    assert fitted.watts == pytest.approx(150, rel=0.01)
    assert fitted.work_joules(wanted) == pytest.approx(planted, rel=0.01)
    assert power.fit_energy(found[:3]) is None


def test_a_second_measured_card_is_held_against_its_projection(
    published: tuple[Record, ...],
) -> None:
    """An H100 that runs as projected is within the interval, one of a tenth the speed is not."""
    found = [s for s in time_samples.samples(published) if s.profile == "h200-sxm"]
    assert project.held_out_cards(found) == []
    known = project.fit_projector_to_samples(found)
    assert known is not None
    twin = profiles.load("h100-sxm")

    def there(factor: float) -> list[TimeSample]:
        return [
            msgspec.structs.replace(
                s,
                profile="h100-sxm",
                seconds=factor * known.project(s.case, twin).seconds.value,
            )
            for s in found
        ]

    for factor, expected in ((1.0, True), (10.0, False)):
        tried = [
            each
            for each in project.held_out_cards([*found, *there(factor)])
            if each.sample.profile == "h100-sxm"
        ]
        assert len(tried) == len(found)
        for each in tried:
            assert each.interval is not None
            inside = each.interval.low <= each.sample.seconds <= each.interval.high
            assert inside == expected
