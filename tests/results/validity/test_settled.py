"""Whether steps had settled is judged on the steps that are published, and said in words."""

import itertools
import math
import random

import pytest

from suite.paths import RESULTS
from suite.results.notes import notes
from suite.results.record import Record
from suite.results.storage.run_folder import read
from suite.results.validity import settled as rule
from suite.results.validity.settled import Settled, settled
from suite.wire import Step
from support import records


def record(
    *seconds: float, collector: dict[int, float] | None = None, **changes: object
) -> Record:
    """A record whose steady steps took so long; ``collector`` says what was collected in some."""
    steps = tuple(
        Step(
            index=index,
            role="steady",
            seconds=each,
            tokens_padded=512,
            tokens_real=512,
            tokens_loss=508,
            loss=6.0,
            collector_seconds=(collector or {}).get(index, 0.0),
        )
        for index, each in enumerate(seconds)
    )
    return records.record(steps=steps, **changes)


def scattered(number: int, deviation: float, seed: int = 1) -> list[float]:
    dice = random.Random(seed)
    return [math.exp(dice.gauss(0.0, deviation)) for _ in range(number)]


def test_constant_steps_have_settled_without_any_error() -> None:
    """Nothing differs: the mean is known exactly, and nothing is said."""
    found = settled(record(*[0.5] * 20))
    assert found == Settled(settled=True, error=0.0, halves=0.0)
    assert notes(record(*[0.5] * 20)) == ()


def test_a_level_that_moved_has_not_settled() -> None:
    """The second half is 4 % slower, each half being as even as can be."""
    halves = [1.0, 1.01] * 5, [1.04, 1.0504] * 5
    found = settled(record(*halves[0], *halves[1]))
    assert found.settled is False
    assert found.halves == pytest.approx(0.04)
    assert found.reason == "its second half was 4.0 % slower than its first"
    turned = settled(record(*halves[1], *halves[0]))
    assert turned.reason == "its second half was 3.8 % faster than its first"
    assert notes(record(*halves[1], *halves[0])) == (f"step time did not settle: {turned.reason}",)


def test_a_slow_drift_has_not_settled() -> None:
    """Half a percent a step is 10 % over twenty: no two neighbours would show it."""
    found = settled(record(*(1.005**index for index in range(20))))
    assert found.settled is False
    assert "slower than its first" in found.reason


def test_a_difference_that_does_not_matter_has_settled() -> None:
    """Halves that are 1 % apart are within what does not matter, however clear it is."""
    found = settled(record(*[1.0] * 10, *[1.01] * 10))
    assert found.settled is True
    assert found.halves == pytest.approx(0.01)


def test_one_odd_step_is_named_and_is_no_drift() -> None:
    """What it does to the mean stands in the error; the others had settled."""
    seconds = [1.0, 1.01] * 10
    seconds[16] = 2.5
    found = settled(record(*seconds))
    assert found.settled is True
    assert found.reason == "one step took 2.5 times as long as any other"
    assert found.error is not None
    assert found.error > 0.1
    assert notes(record(*seconds)) == (found.reason,)


def test_an_odd_step_hides_no_drift() -> None:
    """Without it the halves are still 6 % apart."""
    seconds = [*[1.0, 1.01] * 5, *[1.06, 1.07] * 5]
    seconds[3] = 2.5
    assert settled(record(*seconds)).settled is False
    seconds[12] = 2.5
    assert settled(record(*seconds)).settled is False, "nor do two"


def test_steps_that_scatter_widely_have_not_settled() -> None:
    """A mean that is known to 11 % only says so, also where its halves agree."""
    seconds = [1.0, 1.0, 1.0, 1.0, 1.4, 1.4, 1.4, 1.4, 1.0, 1.0] * 2
    found = settled(record(*seconds))
    assert found.settled is False
    assert found.error is not None
    assert found.reason == f"its mean is known to ± {100 * found.error:.0f} % only"


def test_garbage_collection_is_no_scatter() -> None:
    """A stall of half a second every tenth step comes in turn: the rest is known to 0.6 %."""
    seconds = [1.0 + 0.01 * (n % 2) + (0.5 if n % 10 == 7 else 0.0) for n in range(20)]
    collected = settled(record(*seconds, collector={7: 0.5, 17: 0.5}))
    assert collected.settled is True
    assert collected.error is not None
    assert collected.error < 0.006
    unknown = settled(record(*seconds)).error
    assert unknown is not None
    assert unknown > 0.05, "where nothing says that it was collected, it is scatter"


def test_a_process_that_always_collects_is_judged_all_the_same() -> None:
    """There are no other steps to go by."""
    found = settled(record(*[1.0] * 8, collector=dict.fromkeys(range(8), 0.1)))
    assert found.settled is True


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"steps": ()}, "there was no steady step"),
        ({"steps": records.steps(count=4)}, "fewer than 5 steady steps"),
    ],
)
def test_too_few_steps_are_unknown_and_not_unsettled(
    changes: dict[str, object], reason: str
) -> None:
    """Unknown is neither yes nor no, and is no note beside the numbers."""
    found = records.record(**changes)
    assert settled(found) == Settled(settled=None, reason=reason)
    assert notes(found) == ()


def test_steps_of_unlike_work_are_not_judged() -> None:
    """Longer rows take longer, which says nothing about the level."""
    steps = [s for s in records.steps() if s.role == "steady"]
    longer = [
        Step(**{name: getattr(s, name) for name in s.__struct_fields__} | {"tokens_padded": n})
        for n, s in enumerate(steps, 500)
    ]
    found = settled(records.record(steps=tuple(longer)))
    assert found == Settled(settled=None, reason="steps differ in how much they compute")


@pytest.mark.parametrize("number", [5, 6, 20, 30])
def test_the_interval_holds_the_mean_as_often_as_it_says(number: int) -> None:
    """Of 600 launches without any trend, 95 in 100 are within their own ± of the true mean."""
    inside = 0
    for seed in range(600):
        seconds = scattered(number, 0.02, seed)
        found = rule.judged(seconds)
        assert found.error is not None
        inside += abs(sum(seconds) / number - math.exp(0.0002)) <= found.error
    assert inside / 600 == pytest.approx(0.95, abs=0.03)


def test_neighbours_that_are_alike_make_the_error_larger() -> None:
    """What lasts for some steps is no independent scatter: five levels tell less than 20 steps."""
    levels = scattered(5, 0.02)
    lasting = [each for each in levels for _ in range(4)]
    mixed = [each for turn in itertools.repeat(levels, 4) for each in turn]
    kept, alone = rule.judged(lasting).error, rule.judged(mixed).error
    assert kept is not None
    assert alone is not None
    assert kept > 2 * alone


def test_launches_without_a_trend_are_seldom_called_unsettled() -> None:
    """Of steps that scatter by 2 %, fewer than one launch in twenty."""
    judged = [rule.judged(scattered(20, 0.02, seed)) for seed in range(400)]
    assert sum(not each.settled for each in judged) < 20


def test_published_launches_that_moved_are_called_so_and_others_are_not() -> None:
    """Those whose halves an independent look found apart; none that waits for the GPU alone."""
    unsettled = {
        (each.profile, each.run_id[:15], each.case_id, each.launch)
        for each in read([RESULTS]).records
        if each.outcome == "ok" and settled(each).settled is False
    }
    for moved in (
        ("h200-sxm", "20261125T052850", "qwen3-8b-qlora-liger", 1),
        ("h200-sxm", "20261125T052850", "qwen3-8b-unsloth-qlora", 1),
        ("h200-sxm", "20261125T065008", "gpt-oss-120b-unsloth-qlora-experts", 1),
        ("h200-sxm", "20261126T072812", "qwen3-8b-unsloth-qlora", 3),
    ):
        assert moved in unsettled
    waiting_for_the_gpu = [
        (run, case)
        for _, run, case, _ in unsettled
        if run < "20261127" and ("32b" in case or "-s" in case)
    ]
    assert waiting_for_the_gpu == []


def test_old_records_say_nothing_of_their_warm_up() -> None:
    """What a record before schema 3 says of it is not what is judged here."""
    old = record(
        *[0.5] * 20, notes=("not steady after 12 steps of warm-up: a rule", "another GPU computed")
    )
    assert notes(old) == ("another GPU computed",)
