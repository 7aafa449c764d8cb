"""What `compare` finds, what it refuses, and by what a gate fails."""

import json
from pathlib import Path

import msgspec
import pytest

from suite.cli import main
from suite.errors import BadInput
from suite.results.record import Gpu, Record, seal
from support import records
from support.two_sides import AFTER, BEFORE, compared, folder, line, side


def test_a_slowdown_fails_and_a_speedup_does_not() -> None:
    """Five percent either way, with its ratio, its interval and the rate turned round."""
    slow = compared(side(BEFORE), side(AFTER, 1.05))
    step, rate = line(slow, "step_seconds"), line(slow, "tokens_per_second")
    assert (step.verdict, step.fails) == ("SLOWER", True)
    assert step.ratio == pytest.approx(1.05)
    assert step.low is not None
    assert step.high is not None
    assert step.low < 1.05 < step.high
    assert rate.verdict == "SLOWER"
    assert rate.ratio == pytest.approx(1 / 1.05)
    assert rate.low == pytest.approx(1 / step.high)
    assert slow.failures == ("tiny-qwen3-lora: step_seconds SLOWER",)
    fast = compared(side(BEFORE), side(AFTER, 1 / 1.05))
    assert line(fast, "step_seconds").verdict == "FASTER"
    assert fast.failures == ()


def test_what_slows_some_steps_only_is_in_the_mean_alone() -> None:
    """It fails by that, and the quantile says why; what slows all steps is said once."""
    slow = [
        msgspec.structs.replace(
            record,
            steps=tuple(
                msgspec.structs.replace(
                    step, seconds=step.seconds * (1.3 if step.index % 2 else 1)
                )
                for step in record.steps
            ),
        )
        for record in side(AFTER)
    ]
    found = compared(side(BEFORE), slow)
    mean, low = line(found, "step_seconds"), line(found, "step_seconds_low")
    assert (mean.verdict, mean.fails) == ("SLOWER", True)
    assert (low.verdict, low.fails) == ("SAME", False)
    both = compared(side(BEFORE), side(AFTER, 1.05))
    assert line(both, "step_seconds_low").verdict == "SLOWER"
    assert both.failures == ("tiny-qwen3-lora: step_seconds SLOWER",), "said once"


def test_a_slow_gpu_hidden_by_waits_fails_by_its_quantile() -> None:
    """The shortest steps take 5 % longer, while waits make the means scatter by 10 %."""

    def waiting(records_: list[Record], waits: tuple[float, ...]) -> list[Record]:
        return [
            msgspec.structs.replace(
                record,
                steps=tuple(
                    msgspec.structs.replace(s, data_seconds=wait if s.index == 10 else 0.0)
                    for s in record.steps
                ),
            )
            for record, wait in zip(records_, waits, strict=True)
        ]

    found = compared(
        waiting(side(BEFORE), (0.3, 0.0, 0.2, 0.1, 0.25)),
        waiting(side(AFTER, 1.05), (0.0, 0.3, 0.1, 0.2, 0.05)),
    )
    assert line(found, "step_seconds").verdict == "INCONCLUSIVE"
    assert line(found, "step_seconds_low").verdict == "SLOWER"
    assert found.failures == ("tiny-qwen3-lora: step_seconds_low SLOWER",)
    assert found.open == ()


def test_the_same_is_the_same() -> None:
    """Equal times, counts and losses pass; given twice the same records are an A/A and said so."""
    found = compared(side(BEFORE), side(BEFORE))
    assert {each.verdict for each in found.lines} == {"SAME"}
    assert found.failures == ()
    assert "A/A" in found.notes[0]


def test_a_changed_default_is_said_though_the_time_is_the_same() -> None:
    """What the running model has is compared, not what was asked for: both sides asked alike."""
    other = records.effective(attention="eager")
    found = compared(side(BEFORE), side(AFTER, effective=other))
    assert {each.verdict for each in found.lines} == {"SAME"}
    (changed,) = found.settings
    assert (changed.setting, changed.base, changed.candidate) == ("attention", "sdpa", "eager")
    assert changed.case_ids == ("tiny-qwen3-lora",)


def test_another_loss_fails_though_the_time_is_the_same() -> None:
    """First losses a tenth apart: CHANGED, whatever the step time says."""
    found = compared(side(BEFORE), side(AFTER, loss=7.0))
    assert line(found, "step_seconds").verdict == "SAME"
    assert line(found, "loss").verdict == "CHANGED"
    assert found.failures == ("tiny-qwen3-lora: loss CHANGED",)


def test_cases_that_vanish_or_begin_to_fail_fail_the_gate() -> None:
    """Missing, newly failing; newly passing and new ones are told and pass."""
    gone = compared([*side(BEFORE), *side(BEFORE, method="unsloth-lora")], side(AFTER))
    assert [(each.case_id, each.kind) for each in gone.changes] == [
        ("tiny-qwen3-unsloth-lora", "missing")
    ]
    assert gone.failures == ("tiny-qwen3-unsloth-lora: missing",)
    broken = records.failed(run_id=AFTER, reason="no such kernel")
    fails = compared(side(BEFORE), [broken])
    assert fails.changes[0].kind == "newly failing"
    assert "no such kernel" in fails.changes[0].note
    assert fails.failures
    better = compared([records.failed(run_id=BEFORE)], side(AFTER))
    assert better.changes[0].kind == "newly passing"
    assert better.failures == ()
    more = compared(side(BEFORE), [*side(AFTER), *side(AFTER, method="unsloth-lora")])
    assert more.changes[0].kind == "new"
    assert more.failures == ()


def test_a_launch_that_newly_fails_is_told_and_fails_the_gate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One of five: which, and why, in every format; numbers are of the four others."""
    bad = records.failed(run_id=AFTER, launch=3, reason="no such <kernel>")
    some = [bad if record.launch == 3 else record for record in side(AFTER)]
    base, candidate = folder(tmp_path / "a", side(BEFORE)), folder(tmp_path / "b", some)
    assert main(["compare", base, candidate, "--gate"]) == 5
    said = capsys.readouterr().out
    assert "5, 4 of 5" in said
    assert f"repeat 3 of the candidate (session {AFTER}) has no numbers: oom in load" in said
    assert "A gate fails: tiny-qwen3-lora: newly failing." in said
    for form, wanted in (
        ("markdown", "no such \\<kernel\\>"),
        ("html", "no such &lt;kernel&gt;"),
        ("json", '"failed"'),
    ):
        assert main(["compare", base, candidate, "--gate", "--format", form]) == 5
        said = capsys.readouterr().out
        assert wanted in said, form
    (failed,) = json.loads(said)["failed"]
    assert (failed["side"], failed["launch"], failed["fails"]) == ("candidate", 3, True)
    assert main(["compare", candidate, base, "--gate"]) == 4, "four launches, and no regression"
    assert "4 of 5 repeats a side" in capsys.readouterr().out
    assert main(["compare", candidate, candidate]) == 0
    assert "repeat 3 of the base" in capsys.readouterr().out


def test_a_case_that_fails_on_both_sides_or_only_on_one_is_said() -> None:
    """No case of either side is left out, and none of these fails a gate."""
    ours = [*side(BEFORE), records.failed(run_id=BEFORE, method="qlora")]
    theirs = [*side(AFTER), records.failed(run_id=AFTER, method="qlora")]
    (both,) = compared(ours, theirs).changes
    assert (both.case_id, both.kind, both.fails) == ("tiny-qwen3-qlora", "still failing", False)
    (new,) = compared(side(BEFORE), theirs).changes
    assert (new.kind, new.fails) == ("new and failing", False)
    (dropped,) = compared(ours, side(AFTER)).changes
    assert (dropped.kind, dropped.fails) == ("dropped", False)
    assert all(each.note for each in (both, new, dropped))


def test_two_different_things_are_refused_unless_named() -> None:
    """Other weights, another card under one profile, another profile."""
    base = side(BEFORE)
    other = [seal(msgspec.structs.replace(r, weights="hub x@1")) for r in side(AFTER)]
    with pytest.raises(BadInput, match="another weights"):
        compared(base, other)
    assert line(compared(base, other, allow=("weights",)), "loss").verdict == "UNKNOWN"
    moved = [seal(msgspec.structs.replace(r, profile="h200-sxm")) for r in side(AFTER)]
    with pytest.raises(BadInput, match="another profile") as error:
        compared(base, moved)
    assert "--allow gpu" in error.value.hint
    assert line(compared(base, moved, allow=("gpu",)), "step_seconds").verdict == "SAME"


def test_a_side_of_several_cards_is_refused() -> None:
    """Replicates are of one card; two kinds of card under one case are no replicates."""
    cards = [
        Gpu(name=name, uuid_hash="0", driver="580", memory_total_bytes=1 << 30)
        for name in ("NVIDIA H100", "NVIDIA H200")
    ]
    mixed = [
        seal(
            msgspec.structs.replace(
                record, environment=msgspec.structs.replace(record.environment, gpu=card)
            )
        )
        for record, card in zip(side(BEFORE), [*cards, *cards], strict=False)
    ]
    with pytest.raises(BadInput, match="several GPUs: NVIDIA H100, NVIDIA H200"):
        compared(mixed, side(AFTER))


def test_nothing_to_compare_is_refused() -> None:
    """An empty side; all cases failed on both."""
    with pytest.raises(BadInput, match="base: no result"):
        compared([], side(AFTER))
    with pytest.raises(BadInput, match="nothing to compare"):
        compared([records.failed(run_id=BEFORE)], [records.failed(run_id=AFTER)])


def test_few_launches_cannot_gate_and_get_no_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One launch a side: the ratio without interval; with --gate the reason, and exit code 4."""
    base = folder(tmp_path / "a", side(BEFORE, launches=1))
    candidate = folder(tmp_path / "b", side(AFTER, 1.3, launches=1))
    assert main(["compare", base, candidate]) == 0
    said = capsys.readouterr().out
    assert "+30.0 %" in said
    assert "SLOWER" not in said
    assert "A gate refuses to answer: tiny-qwen3-lora: 1 of 5 repeats a side" in said
    assert main(["compare", base, candidate, "--gate"]) == 4


def test_a_page_says_the_verdict_first_and_escapes_what_strangers_wrote(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One HTML document with the table, and no markup out of a record."""
    hostile = records.environment()
    assert hostile.versions is not None
    packages = {**hostile.versions.packages, "peft": "</td><script>alert(1)</script>"}
    hostile = msgspec.structs.replace(
        hostile, versions=msgspec.structs.replace(hostile.versions, packages=packages)
    )
    base = folder(tmp_path / "base", side(BEFORE))
    slow = folder(tmp_path / "slow", side(AFTER, 1.05, environment=hostile))
    assert main(["compare", base, slow, "--gate", "--format", "html"]) == 5
    page = capsys.readouterr().out
    assert page.startswith("<!DOCTYPE html>")
    assert "A gate fails: tiny-qwen3-lora: step_seconds SLOWER." in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert(1)" not in page


def test_the_gates_exit_code_is_its_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """0 without --gate, 5 with it, 0 for no change; formats say the same."""
    base = folder(tmp_path / "a", side(BEFORE))
    slow = folder(tmp_path / "b", side(AFTER, 1.05))
    assert main(["compare", base, slow]) == 0
    assert main(["compare", base, slow, "--gate"]) == 5
    assert main(["compare", base, base, "--gate"]) == 0
    capsys.readouterr()
    assert main(["compare", base, slow, "--gate", "--format", "json"]) == 5
    document = json.loads(capsys.readouterr().out)
    assert document["failures"] == ["tiny-qwen3-lora: step_seconds SLOWER"]
    assert main(["compare", base, slow, "--format", "markdown"]) == 0
    assert "| SLOWER |" in capsys.readouterr().out
    assert main(["compare", base, slow, "--allow", "wrk"]) == 2
    assert "Did you mean 'work'?" in capsys.readouterr().err


def test_strict_does_not_pass_what_is_not_settled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Scatter of 3 %: INCONCLUSIVE passes --gate, fails --strict, and says how many would do."""
    wide = [
        records.record(run_id=AFTER, launch=n + 1, seconds=value)
        for n, value in enumerate((0.097, 0.103, 0.1, 0.104, 0.096))
    ]
    base = folder(tmp_path / "a", side(BEFORE))
    candidate = folder(tmp_path / "b", wide)
    assert main(["compare", base, candidate, "--gate"]) == 0
    said = capsys.readouterr().out
    assert "INCONCLUSIVE" in said
    assert "repeats a side" in said
    assert main(["compare", base, candidate, "--strict"]) == 5
