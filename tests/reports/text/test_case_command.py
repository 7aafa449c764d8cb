"""The command on a record's page measures that record's case, and nothing besides."""

import shlex

import msgspec
import pytest

from reports.text.case_command import case_command
from suite.catalog import parallel
from suite.catalog import profile as profiles
from suite.catalog.case import work_key
from suite.paths import RESULTS
from suite.results.plan import TRY, Plan
from suite.results.record import Record
from suite.results.storage.run_folder import read
from suite.run import planning
from suite.verbs import run as verb
from support import records


def planned(command: str, profile: str) -> Plan:
    """Return the plan that ``tunebench run`` makes of a command on a machine of this profile."""
    program, name, *options = shlex.split(command)
    assert (program, name) == ("./tunebench", "run")
    given = {k: v for k, v in vars(verb.parser().parse_args(options)).items() if v is not None}
    asked = {name: given[name] for name in verb.FIXED if name in given}
    assert asked.pop("profile", profile) == profile
    asked["case_ids"] = asked.pop("cases", ())
    asked["parallel"] = parallel.asked(asked.pop("gpus", None), asked.pop("parallel", None))
    return planning.make(profiles.load(profile), **asked)


def test_each_published_result_has_the_command_of_its_case_alone() -> None:
    """Typed on such a machine, it plans one case: the same work, trainer, seed and repeats."""
    found = read([RESULTS])
    plans = {plan.run_id: plan for plan in found.plans}
    typed: dict[str, Record] = {}
    for record in found.records:
        if command := case_command(record, plans[record.run_id]):
            typed.setdefault(f"{record.profile} {command}", record)
        else:  # a search's own workloads, and those of a script
            assert plans[record.run_id].tier == TRY or ".py" in plans[record.run_id].argv[0]
    assert len(typed) > 50
    for text, record in typed.items():
        plan = planned(text.partition(" ")[2], record.profile)
        (case,) = plan.cases
        assert (case.case_id, work_key(case)) == (record.case_id, record.work_key)
        assert (plan.loop, plan.seed) == (record.case.loop, record.case.seed)
        assert plan.launches == plans[record.run_id].launches


def test_options_stand_where_they_differ_from_what_a_run_does_by_itself() -> None:
    """Seed, trainer, repeats and weights; the CPU's profile, which a GPU's owner has to name."""
    plan = msgspec.structs.replace(records.plan(), weights="hub", launches=4)
    case = records.case()
    usual = shlex.split(case_command(records.record(), records.plan()))
    assert usual[usual.index("--profile") + 1] == "cpu"
    assert not {"--seed", "--weights", "--cases"} & set(usual)
    other = records.record(case=msgspec.structs.replace(case, seed=5, loop="bare"))
    other = msgspec.structs.replace(other, work_key=work_key(other.case))
    words = shlex.split(case_command(other, plan))
    for option, value in (("--seed", "5"), ("--launches", "4"), ("--weights", "hub")):
        assert words[words.index(option) + 1] == value
    assert words[words.index("--loop") + 1] == "bare"


@pytest.mark.parametrize("change", [{"case_id": "tiny-qwen3-lora-x"}, {"work_key": "0" * 16}])
def test_what_no_tier_has_gets_no_command(change: dict[str, str]) -> None:
    """A command that measures something else is worse than none."""
    assert case_command(records.record(), records.plan())
    assert case_command(msgspec.structs.replace(records.record(), **change), None) == ""
