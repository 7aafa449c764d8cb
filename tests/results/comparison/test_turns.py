"""How repeats were taken is read from when they ran, and says how a case is judged."""

import msgspec
import pytest

from suite.results.comparison import compare
from suite.results.comparison.turns import design
from suite.results.record import Record, seal
from suite.results.stats.designs import Design
from support.two_sides import AFTER, BEFORE, collection, compared, line, side

KEY = ("cpu", "tiny-qwen3-lora")
TWELVE = 12


def test_turns_are_told_from_one_side_after_the_other() -> None:
    """ABBA; the same with a launch of a round lost; one after the other; all at the same time."""
    base, candidate = side(BEFORE, turns=True), side(AFTER, turns=True)
    assert design((KEY, base, candidate)) == Design.IN_TURNS
    assert design((KEY, base[1:], candidate)) == Design.IN_TURNS
    assert design((KEY, base[:1] + base[4:], candidate)) == Design.APART
    assert design((KEY, side(BEFORE), side(AFTER))) == Design.APART
    now = [seal(msgspec.structs.replace(r, started_at="2026-11-24T07:00:00Z")) for r in base]
    assert design((KEY, now, candidate)) == Design.APART


def test_sides_that_ran_at_the_same_time_are_compared_within_rounds() -> None:
    """Each pair overlaps, and no pair another: what slows a round slows both sides of it."""
    loud = (0.1, 0.11, 0.095, 0.12, 0.09)
    base = side(BEFORE, seconds=loud)
    times = [(each.started_at, each.ended_at) for each in base]
    noise = (1.03, 1.031, 1.029, 1.0305, 1.0295)
    candidate = [
        seal(msgspec.structs.replace(each, started_at=begin, ended_at=end))
        for each, (begin, end) in zip(
            side(AFTER, seconds=[a * b for a, b in zip(loud, noise, strict=True)]),
            times,
            strict=True,
        )
    ]
    assert design((KEY, base, candidate)) == Design.AT_ONCE
    assert line(compared(base, candidate), "step_seconds").verdict == "SLOWER"
    assert (
        line(compared(base, side(AFTER, 1.03, seconds=loud)), "step_seconds").verdict != "SLOWER"
    )


def drifting(run_id: str, factor: float, *, turns: bool) -> list[Record]:
    """Launches of a machine that gets a percent slower with each."""
    quiet = side(run_id, turns=turns)
    rank = {
        each.started_at: place
        for place, each in enumerate(
            sorted(
                [*side(BEFORE, turns=turns), *side(AFTER, turns=turns)],
                key=lambda record: record.started_at,
            )
        )
    }
    seconds = [0.1 * 1.01 ** rank[r.started_at] * (1 + 0.001 * (r.launch % 2)) for r in quiet]
    return side(run_id, factor, turns=turns, seconds=seconds)


def test_a_drift_is_no_slowdown_where_sides_took_turns() -> None:
    """Ten percent over ten launches: nothing found, 4 % found, and apart it is the drift."""
    base = drifting(BEFORE, 1.0, turns=True)
    assert compared(base, drifting(AFTER, 1.0, turns=True)).failures == ()
    assert compared(base, drifting(AFTER, 1.04, turns=True)).time_failures
    apart = compared(drifting(BEFORE, 1.0, turns=False), drifting(AFTER, 1.0, turns=False))
    assert apart.time_failures
    assert "measured after the other" in apart.notes[-1]


def many(run_id: str, factor: float, *, turns: bool) -> list[Record]:
    """Twelve cases, each with a scatter of its own."""
    found = []
    for number in range(TWELVE):
        for record in side(run_id, factor, turns=turns):
            case_id = f"{record.case_id}-{number}"
            case = msgspec.structs.replace(record.case, case_id=case_id)
            wave = 1 + 0.005 * (
                (record.launch * (number + 2) * (3 if run_id == AFTER else 5)) % 7 - 3
            )
            steps = tuple(
                msgspec.structs.replace(s, seconds=s.seconds * wave, data_seconds=None)
                for s in record.steps
            )
            changed = {"case_id": case_id, "case": case, "steps": steps}
            found.append(seal(msgspec.structs.replace(record, **changed)))
    return found


@pytest.mark.parametrize("turns", [True, False])
def test_all_cases_together_gate_only_where_sides_took_turns(turns: bool) -> None:
    """1.5 % in all of twelve cases, SLOWER in none: a gate fails by them together in turns."""
    sides = (many(run, factor, turns=turns) for run, factor in ((BEFORE, 1.0), (AFTER, 1.015)))
    found = compare(*(collection(*each) for each in sides))
    assert not any(each.fails for each in found.lines)
    assert found.failures == (("all cases together: SLOWER",) if turns else ())
    together = [each for each in found.pooled if each.quantity != "loss"]
    assert [each.gates for each in together] == [turns] * len(together)
    assert together[0].ratio == pytest.approx(1.015, abs=0.006)


def test_a_launch_that_is_far_slower_is_left_out_and_said() -> None:
    """One of five by a fifth: 4 % are found beside it, and the line says which and how much."""
    odd = [0.1, 0.1005, 0.12, 0.1002, 0.0998]
    found = compared(side(BEFORE, turns=True), side(AFTER, 1.04, turns=True, seconds=odd))
    step = line(found, "step_seconds")
    assert step.verdict == "SLOWER"
    assert step.candidate_launches == 5
    assert "repeat 3 of the candidate is left out: 20 % slower than the others" in step.note


def test_with_three_repeats_only_a_gross_change_counts() -> None:
    """Two modes of a host are no regression; twice the time is one."""
    three = side(BEFORE, turns=True, launches=3)
    assert compared(three, side(AFTER, 1.1, turns=True, launches=3)).time_failures == ()
    assert compared(three, side(AFTER, 2.0, turns=True, launches=3)).time_failures
