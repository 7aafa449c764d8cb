"""Scatter over launches, on inputs whose scatter is known."""

import math
import statistics

import msgspec
import pytest

from suite.results.record import Gpu, Record
from suite.results.replicates import group
from suite.results.scatter.noise import Noise, NoiseFile, file_content, noise, of_records
from support import records


def _noise(*found: Record) -> Noise:
    (launches,) = group(found)
    result = noise(launches)
    assert result is not None
    return result


def _launches(number: int, **changes: object) -> list[Record]:
    return [records.record(launch=n, **changes) for n in range(1, number + 1)]


def test_times_give_mean_spread_and_range_of_the_launches_steps():
    """The numbers are those of the textbook, on means and not on single steps."""
    seconds = (0.1, 0.104, 0.102)
    found = _noise(*(records.record(launch=n, seconds=s) for n, s in enumerate(seconds, 1)))
    means = [1.019 * each for each in seconds]  # waits for data included
    logs = [math.log(each) for each in means]
    mean = math.exp(sum(logs) / 3)
    assert found.step_seconds == pytest.approx(means)
    assert found.step_seconds_geometric_mean == pytest.approx(mean, rel=1e-5)
    assert found.spread == pytest.approx(statistics.stdev(logs), rel=1e-5)
    assert found.range == pytest.approx((max(means) - min(means)) / mean, rel=1e-5)


def test_identical_launches_have_no_noise():
    """Zero is a result, not a missing number."""
    found = _noise(*_launches(3))
    differences = (found.first_loss_difference, found.trajectory_difference)
    assert (found.spread, found.range, *differences) == (0, 0, 0, 0)
    assert found.common_steps == 17


def test_losses_differ_by_the_largest_pair_over_common_steps():
    """A launch that took more steps is compared over those that all took, step by step."""
    longer = records.record(launch=2, steps=records.steps(count=14))
    steps = list(records.steps())
    steps[3] = msgspec.structs.replace(steps[3], loss=steps[3].loss * 1.03)
    parted = records.record(launch=3, steps=tuple(steps))
    found = _noise(records.record(), longer, parted)
    assert found.first_loss_difference == 0
    assert found.trajectory_difference == pytest.approx(0.03, rel=1e-4)
    assert found.common_steps == 17


def test_gradient_norms_are_compared_at_the_first_step():
    """1.5 and 1.65 are ten percent apart."""
    steps = records.steps()
    first = msgspec.structs.replace(steps[0], gradient_norm=1.65)
    found = _noise(*_launches(2), records.record(launch=3, steps=(first, *steps[1:])))
    assert found.first_gradient_norm_difference == pytest.approx(0.1)
    assert found.gradient_norm_difference == pytest.approx(0.1)


def test_gradient_norms_are_compared_at_every_common_step_too():
    """What parts at step 4 is no difference of the first step; one step unknown is all unknown."""
    steps = list(records.steps())
    steps[3] = msgspec.structs.replace(steps[3], gradient_norm=1.65)
    found = _noise(*_launches(2), records.record(launch=3, steps=tuple(steps)))
    assert found.first_gradient_norm_difference == 0
    assert found.gradient_norm_difference == pytest.approx(0.1)
    steps[5] = msgspec.structs.replace(steps[5], gradient_norm=None)
    found = _noise(*_launches(2), records.record(launch=3, steps=tuple(steps)))
    assert found.first_gradient_norm_difference == 0
    assert found.gradient_norm_difference is None
    assert "at step 6" in found.unavailable["gradient_norm_difference"]


def test_a_noise_file_from_before_later_gradient_norms_is_still_read():
    """A field that it lacks is unknown; the rest of it is what it was."""
    content = file_content(_launches(3))
    assert content is not None
    document = msgspec.json.decode(content)
    del document["cases"][0]["gradient_norm_difference"]
    (old,) = msgspec.json.decode(msgspec.json.encode(document), type=NoiseFile).cases
    (new,) = msgspec.json.decode(content, type=NoiseFile).cases
    assert new.gradient_norm_difference == 0
    assert old == msgspec.structs.replace(new, gradient_norm_difference=None)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"loss": None, "loss_text": "nan"}, "step 3 is not a number"),
        ({"tokens_loss": 3}, "different loss tokens at step 3"),
    ],
)
def test_losses_that_say_nothing_are_unknown_with_the_reason(change: dict, reason: str):
    """NaN and other data have no difference; the times are known all the same."""
    steps = list(records.steps())
    steps[2] = msgspec.structs.replace(steps[2], **change)
    found = _noise(*_launches(2), records.record(launch=3, steps=tuple(steps)))
    assert found.trajectory_difference is None
    assert reason in found.unavailable["losses"]
    assert found.spread == 0


def test_a_launch_without_steady_steps_makes_the_spread_unknown():
    """It is not left out silently, and such a case gates nothing."""
    bare = records.record(launch=5, steps=records.steps(role="warmup"))
    found = _noise(*_launches(4), bare)
    assert found.spread is None
    assert found.step_seconds[-1] is None
    assert found.gate is False
    assert "steady" in found.unavailable["step_seconds"]


@pytest.mark.parametrize(("good", "shown", "gate"), [(2, 0, None), (3, 1, False), (5, 1, True)])
def test_three_launches_show_noise_and_five_gate(good: int, shown: int, gate: bool | None):
    """Only good launches count, and one case's launches are never another's."""
    found = of_records(
        [*_launches(good), records.failed(launch=9), *(_launches(2, method="qlora"))]
    )
    assert [each.gate for each in found] == [gate] * shown
    assert all(each.launches == good == len(each.record_ids) for each in found)


def _on(card: str, launch: int, **changes: object) -> Record:
    gpu = Gpu(name="NVIDIA H200", uuid_hash=card, driver="580")
    environment = msgspec.structs.replace(records.environment(), gpu=gpu)
    return records.record(launch=launch, environment=environment, **changes)


def test_a_spread_over_two_cards_gates_nothing():
    """A run that went on with another card of the kind has their difference in its spread."""
    one = _noise(*(_on("a", launch) for launch in range(1, 6)))
    two = _noise(*(_on("a" if launch < 4 else "b", launch) for launch in range(1, 6)))
    assert (one.gpus, one.gate, two.gpus, two.gate) == (1, True, 2, False)


def test_first_steps_are_told_apart_by_their_compile_caches():
    """The launch that compiled is no replicate of those that did not have to."""
    caches = ("cold", "warm", "warm", None)
    found = _noise(*(records.record(launch=n, compile_cache=c) for n, c in enumerate(caches, 1)))
    assert (len(found.first_step_cold_seconds), len(found.first_step_warm_seconds)) == (1, 2)
