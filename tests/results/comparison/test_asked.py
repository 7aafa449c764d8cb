"""What was upgraded is not always what ran: said, and no gate passes by it."""

from pathlib import Path

import msgspec
import pytest

from suite.cli import main
from suite.results.comparison import Comparison, compare
from suite.results.record import Environment, Record, seal
from suite.results.storage.reader import Collection
from suite.wire import Versions
from support import records
from support.two_sides import AFTER, BEFORE, folder, side


def with_imported(found: list[Record], **packages: str) -> list[Record]:
    """The records of workers that imported these, beside what training rests on."""
    return [
        seal(msgspec.structs.replace(record, environment=environment(record, packages)))
        for record in found
    ]


def environment(record: Record, packages: dict[str, str]) -> Environment:
    versions = record.environment.versions
    assert isinstance(versions, Versions)
    versions = msgspec.structs.replace(versions, imported=packages)
    return msgspec.structs.replace(record.environment, versions=versions)


def given(found: list[Record], *pins: str) -> Collection:
    plan = records.plan(run_id=found[0].run_id, methods=("lora",), launches=5)
    plan = msgspec.structs.replace(plan, argv=("upgrade-check", *pins))
    return Collection(records=tuple(found), plans=(plan,), problems=(), sources={})


def compared(before: Collection, after: Collection) -> Comparison:
    return compare(before, after)


def test_a_package_that_no_case_imported_is_named_and_nothing_was_compared() -> None:
    """TRL's other version on a CPU: the workers imported neither, so equal times say nothing."""
    before, after = (with_imported(side(run), tqdm="4.0") for run in (BEFORE, AFTER))
    found = compared(given(before), given(after, "trl==1.5.0"))
    assert found.nothing_compared == "no case imports trl"
    assert [(each.name, each.base, each.candidate) for each in found.asked] == [
        ("trl", "none", "1.5.0")
    ]
    beside = compared(given(before), given(after, "trl==1.5.0", "tqdm==5.0"))
    assert beside.nothing_compared == "", "one of the two did run"
    assert [each.imported for each in beside.asked] == [True, False]


def test_records_that_do_not_say_what_was_imported_accuse_nothing() -> None:
    """Those of before this was recorded: unknown is not no."""
    found = compared(given(side(BEFORE)), given(side(AFTER), "trl==1.5.0"))
    assert [each.imported for each in found.asked] == [None]
    assert found.nothing_compared == ""


def test_a_base_that_never_ran_is_no_comparison(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Newly passing is no pass: exit code 4, and the last line says why."""
    failed = [records.failed(run_id=BEFORE, launch=launch) for launch in (1, 2, 3, 4, 5)]
    base, candidate = folder(tmp_path / "a", failed), folder(tmp_path / "b", side(AFTER))
    assert main(["compare", base, candidate, "--gate"]) == 4
    last = capsys.readouterr().out.rstrip().rpartition("\n")[2]
    assert "nothing was compared" in last
    assert "tiny-qwen3-lora is newly passing" in last


def test_an_inconclusive_comparison_says_in_the_last_line_that_nothing_was_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Three launches that scatter by half: the gate passes, and says that it saw nothing."""
    factors = zip((1.0, 1.5, 0.7, 1.2, 0.9), side(BEFORE), strict=True)
    wide = [records.record(run_id=BEFORE, launch=r.launch, seconds=0.1 * f) for f, r in factors]
    base, candidate = folder(tmp_path / "a", wide), folder(tmp_path / "b", side(AFTER))
    assert main(["compare", base, candidate, "--gate"]) == 0
    last = capsys.readouterr().out.rstrip().rpartition("\n")[2]
    assert "nothing was shown of the step time of tiny-qwen3-lora: INCONCLUSIVE" in last
