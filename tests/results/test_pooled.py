"""One number a case: which repeats are pooled, and ratios in pairs of one session."""

import msgspec
import pytest

from suite.results.metrics import all_metrics
from suite.results.pooled import newest, paired, pool
from suite.results.record import Origin, Record
from suite.results.replicates import Replicates, summarize
from support import records

RATE = all_metrics()["tokens_per_second"]
LATER = "20261125T070000Z-0123abcd"


def repeat(seconds: float = 0.1, *, method: str = "lora", **changes: object) -> Record:
    made = records.record(method=method, steps=records.steps(seconds), **changes)
    return msgspec.structs.replace(
        made, started_at=f"2026-11-{made.run_id[6:8]}T07:0{made.launch}:00Z"
    )


def with_packages(record: Record, **versions: str) -> Record:
    seen = record.environment.versions
    assert seen is not None
    packages = {**seen.packages, **versions}
    environment = msgspec.structs.replace(
        record.environment, versions=msgspec.structs.replace(seen, packages=packages)
    )
    return msgspec.structs.replace(record, environment=environment)


def one(made: list[Record]) -> Replicates:
    (found,) = pool(made)
    assert found.older == ()
    return found.repeats


def test_repeats_of_two_sessions_are_one_number() -> None:
    """Median and range are over all of them, whatever session they are of."""
    made = [repeat(0.1), repeat(0.2, launch=2), repeat(0.4, run_id=LATER)]
    only = one(made)
    assert [each.run_id for each in only.records] == [records.RUN_ID] * 2 + [LATER]
    found = summarize(only, RATE)
    middle = RATE.compute(made[1])
    assert found is not None
    assert (found.median, found.launches) == (middle, 3)
    assert found.low == RATE.compute(made[2])


def test_more_steady_steps_are_the_same_case() -> None:
    """How many steps were taken decides how well a rate is known, not which rate it is."""
    longer = repeat(run_id=LATER)
    case = msgspec.structs.replace(longer.case, steady_steps=longer.case.steady_steps + 10)
    assert len(one([repeat(), msgspec.structs.replace(longer, case=case)]).ok) == 2


@pytest.mark.parametrize("what", ["package", "setting", "timing"])
def test_what_differs_is_not_pooled_and_the_newest_comes_first(what: str) -> None:
    """An upgrade, another effective setting and the older way of timing begin a pool each."""
    old, new = repeat(), repeat(run_id=LATER)
    if what == "package":
        new = with_packages(new, peft="99.0")
    elif what == "setting":
        assert new.effective is not None
        effective = msgspec.structs.replace(new.effective, attention="another")
        new = msgspec.structs.replace(new, effective=effective)
    else:
        old = msgspec.structs.replace(old, schema=2)
    (found,) = pool([old, new])
    assert [each.run_id for each in found.repeats.records] == [LATER]
    assert [each.first.run_id for each in found.older] == [records.RUN_ID]


def by(name: str, record: Record) -> Record:
    return msgspec.structs.replace(record, origin=Origin(name=name))


def test_repeats_of_another_origin_are_a_pool_of_their_own() -> None:
    """Somebody else's machine never moves our number, however new and alike its repeats are."""
    ours, hers, his = repeat(), by("ada", repeat(run_id=LATER)), by("bob", repeat(run_id=LATER))
    (found,) = pool([hers, ours, his])
    assert found.repeats.records == (ours,)
    assert [each.records for each in found.older] == [(hers,), (his,)]
    picked = newest([hers, ours])
    assert picked is not None
    assert picked.records == (ours,)


def test_without_one_of_ours_the_newest_origin_has_the_number() -> None:
    """A GPU that only others measured has their number, and no mean of two people's."""
    hers, his = by("ada", repeat()), by("bob", repeat(run_id=LATER))
    (found,) = pool([hers, his])
    assert found.repeats.records == (his,)
    assert [each.records for each in found.older] == [(hers,)]


def test_a_number_of_others_comes_before_a_failure_of_ours() -> None:
    """The case has a number; whose it is stands beside it."""
    hers = by("ada", repeat(run_id=LATER))
    (found,) = pool([records.failed(), hers])
    assert found.repeats.records == (hers,)


def test_a_failed_repeat_goes_with_its_session() -> None:
    """It is no number, but "2 of 3" must be said beside the number."""
    bad = records.failed(launch=2)
    only = one([repeat(), bad])
    assert (len(only.records), len(only.ok)) == (2, 1)


def test_a_later_failure_does_not_take_the_number_away() -> None:
    """The newest pool with a number comes first; what failed since stands behind it."""
    bad = msgspec.structs.replace(records.failed(run_id=LATER), started_at="2026-11-25T07:01:00Z")
    (found,) = pool([repeat(), bad])
    assert [len(each.ok) for each in (found.repeats, *found.older)] == [1, 0]


def test_ratios_are_taken_within_launches() -> None:
    """Two sessions, of which one was twice as slow for both: no spread comes from that."""
    ours = [repeat(0.1), repeat(0.2, run_id=LATER)]
    theirs = [repeat(0.2, method="qlora"), repeat(0.4, method="qlora", run_id=LATER)]
    lone = repeat(9.0, method="qlora", launch=2)
    found = paired(one(ours), one([*theirs, lone]), RATE)
    assert found is not None
    assert found.value == pytest.approx(2)
    assert found.high / found.low == pytest.approx(1)
    assert (found.pairs, found.sessions) == (2, 2)


def test_without_a_common_session_there_is_no_ratio() -> None:
    """Two sittings of two machines are no pair."""
    theirs = one([repeat(method="qlora", run_id=LATER)])
    assert paired(one([repeat()]), theirs, RATE) is None
