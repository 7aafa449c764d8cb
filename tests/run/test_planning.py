from pathlib import Path

import pytest

from suite.catalog import profile
from suite.errors import BadInput
from suite.run import planning


def test_profile_and_tier_fill_what_was_not_said() -> None:
    """The CPU profile brings its tier and loop, the tier its launches."""
    plan = planning.make(profile.load("cpu"))
    assert (plan.tier, plan.loop, plan.launches) == ("smoke", "trainer", 1)
    assert {case.loop for case in plan.cases} == {"trainer"}
    other = planning.make(profile.load("cpu"), tier="smoke", loop="bare", launches=3, seed=5)
    assert (other.total, other.cases[0].loop) == (3 * len(plan.cases), "bare")
    assert {case.seed for case in other.cases} == {5}
    assert plan.run_id != other.run_id


def test_cases_are_chosen_by_their_ids() -> None:
    """Only those named are planned; a slip names the nearest there is."""
    plan = planning.make(profile.load("cpu"), case_ids=["tiny-qwen3-lora"])
    assert [case.case_id for case in plan.cases] == ["tiny-qwen3-lora"]
    with pytest.raises(BadInput, match="unknown case 'tiny-qwen3-loar'") as refused:
        planning.make(profile.load("cpu"), case_ids=["tiny-qwen3-loar"])
    assert "tiny-qwen3-lora" in refused.value.hint


def test_a_checkpoint_folder_is_found_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative path is stored whole, so that a resume elsewhere finds it."""
    (tmp_path / "checkpoint").mkdir()
    (tmp_path / "checkpoint" / "config.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    plan = planning.make(profile.load("cpu"), weights="checkpoint")
    assert plan.weights == str(tmp_path / "checkpoint")
    with pytest.raises(BadInput, match="no checkpoint folder"):
        planning.make(profile.load("cpu"), weights="chekpoint")
