"""One function decides: when a gate passes, fails, or refuses, and with which exit code."""

from pathlib import Path

import msgspec
import pytest

from suite.cli import main
from suite.results.comparison import ALLOWED, decide
from suite.results.record import Gpu, Record, seal
from support import records
from support.two_sides import AFTER, BEFORE, compared, folder, side

CARD = Gpu(name="NVIDIA H200", uuid_hash="aaaa", driver="580.1", power_limit_watts=700.0)


def on(card: Gpu, run_id: str, factor: float = 1.0) -> list[Record]:
    environment = msgspec.structs.replace(records.environment(), gpu=card)
    return side(run_id, factor, turns=True, environment=environment)


@pytest.mark.parametrize(
    ("change", "name", "says"),
    [
        ({"uuid_hash": "bbbb"}, "gpu", "another physical GPU: aaaa in the base, bbbb in the"),
        ({"driver": "590.2"}, "driver", "another GPU driver: 580.1 in the base, 590.2"),
        ({"power_limit_watts": 500.0}, "power", "another power limit: 700 W in the base, 500 W"),
    ],
)
def test_another_card_driver_or_limit_is_named_and_refused_unless_allowed(
    change: dict[str, object], name: str, says: str
) -> None:
    """Whether it got slower or not: the ratio is of two things. Allowed by name it is judged."""
    other = msgspec.structs.replace(CARD, **change)
    for factor, answer in ((1.0, "passes"), (1.05, "fails")):
        sides = on(CARD, BEFORE), on(other, AFTER, factor)
        refused = decide(compared(*sides))
        assert (refused.answer, refused.exit_code) == ("refuses", 4)
        assert says in refused.sentence
        assert f"--allow {name}" in refused.sentence
        assert decide(compared(*sides, allow=(name,))).answer == answer
    assert decide(compared(on(CARD, BEFORE), on(CARD, AFTER))).answer == "passes"


def test_other_losses_fail_on_another_card_too() -> None:
    """No card explains them."""
    other = msgspec.structs.replace(CARD, uuid_hash="bbbb")
    environment = msgspec.structs.replace(records.environment(), gpu=other)
    moved = side(AFTER, turns=True, environment=environment, loss=7.0)
    found = decide(compared(on(CARD, BEFORE), moved))
    assert (found.answer, found.exit_code) == ("fails", 5)
    assert found.failures == ("tiny-qwen3-lora: loss CHANGED",)


def test_fewer_real_tokens_in_the_same_time_do_not_pass() -> None:
    """A tenth less work as fast as before: refused, and the step is named."""
    fewer = [
        seal(
            msgspec.structs.replace(
                record,
                steps=tuple(
                    msgspec.structs.replace(step, tokens_real=int(step.tokens_real * 0.9))
                    for step in record.steps
                ),
            )
        )
        for record in side(AFTER, turns=True)
    ]
    found = decide(compared(side(BEFORE, turns=True), fewer))
    assert found.answer == "refuses"
    assert "another number of tokens without padding, first at step 1" in found.sentence
    assert decide(compared(side(BEFORE), fewer, allow=("tokens",))).answer == "passes"


def test_repeats_that_had_not_settled_are_refused_where_they_are_most() -> None:
    """Three of five; two are only how a shared host is. A failure needs no settling."""

    def moving(number: int, factor: float = 1.0) -> list[Record]:
        return [
            seal(msgspec.structs.replace(r, steps=records.moved_steps(0.1 * factor)))
            if r.launch <= number
            else r
            for r in side(AFTER, factor, turns=True)
        ]

    refused = decide(compared(side(BEFORE, turns=True), moving(3)))
    assert refused.answer == "refuses"
    assert "3 of 5 repeats of the candidate did not settle" in refused.sentence
    assert decide(compared(side(BEFORE, turns=True), moving(2))).answer == "passes"
    found = compared(side(BEFORE, turns=True), moving(3), allow=("settling",))
    assert decide(found).answer == "passes"
    assert decide(compared(side(BEFORE, turns=True), moving(3, 1.5))).answer == "fails"


def test_too_few_repeats_cannot_pass_and_can_fail() -> None:
    """Three a side, in turns: no regression is no answer; twice the time, or another loss, is."""
    base = side(BEFORE, turns=True, launches=3)
    few = decide(compared(base, side(AFTER, turns=True, launches=3)))
    assert (few.answer, few.exit_code) == ("refuses", 4)
    assert "3 of 5 repeats a side" in few.sentence
    assert decide(compared(base, side(AFTER, 2.0, turns=True, launches=3))).answer == "fails"
    assert decide(compared(base, side(AFTER, turns=True, launches=3, loss=7.0))).answer == "fails"


def test_nothing_compared_is_no_pass() -> None:
    """A base that only failed: the case is newly passing, and there is no answer."""
    failed = [records.failed(run_id=BEFORE, launch=n) for n in range(1, 6)]
    found = decide(compared(failed, side(AFTER)))
    assert (found.answer, found.exit_code) == ("refuses", 4)
    assert "nothing was compared" in found.sentence


def test_more_reserved_memory_fails_beside_the_same_allocated() -> None:
    """What the process holds is what runs out: 3 % more fail, 1 % is the same."""

    def held(run_id: str, reserved: float, nvml: float) -> list[Record]:
        def grown(value: int | None, times: float) -> int | None:
            return None if value is None else int(value * times)

        found = []
        for launch in range(1, 6):
            record = records.on_gpu(run_id=run_id, launch=launch)
            phases = tuple(
                msgspec.structs.replace(
                    phase,
                    memory=msgspec.structs.replace(
                        phase.memory,
                        reserved_peak_bytes=grown(phase.memory.reserved_peak_bytes, reserved),
                        nvml_process_peak_bytes=grown(phase.memory.nvml_process_peak_bytes, nvml),
                    ),
                )
                for phase in record.phases
            )
            found.append(seal(msgspec.structs.replace(record, phases=phases)))
        return found

    base = held(BEFORE, 1.0, 1.0)
    assert compared(base, held(AFTER, 1.01, 1.01)).failures == ()
    assert compared(base, held(AFTER, 1.03, 1.0)).failures == (
        "tiny-qwen3-lora: peak_reserved_bytes CHANGED",
    )
    assert compared(base, held(AFTER, 1.0, 1.3)).failures == (
        "tiny-qwen3-lora: peak_nvml_process_bytes CHANGED",
    )


def test_the_verb_answers_as_the_function_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its last line and its exit code; names that may be allowed are those that are known."""
    other = msgspec.structs.replace(CARD, driver="590.2")
    base = folder(tmp_path / "a", on(CARD, BEFORE))
    candidate = folder(tmp_path / "b", on(other, AFTER))
    assert main(["compare", base, candidate, "--gate"]) == 4
    assert capsys.readouterr().out.splitlines()[-1].startswith("A gate refuses to answer: another")
    assert main(["compare", base, candidate, "--gate", "--allow", "driver"]) == 0
    said = capsys.readouterr().out
    assert "Unlike on the two sides: another GPU driver" in said
    assert "which is allowed" in said
    assert main(["compare", base, candidate, "--gate", "--allow", ",".join(ALLOWED)]) == 0
