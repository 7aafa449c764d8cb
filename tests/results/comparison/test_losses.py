"""Losses and gradient norms of every launch count where two results are compared."""

from pathlib import Path

import msgspec
import pytest

from suite.cli import main
from suite.results.record import Record, seal
from support.two_sides import AFTER, BEFORE, compared, folder, line, side


def changed(found: list[Record], launches: tuple[int, ...], **values: object) -> list[Record]:
    """Return the records with these launches' steps changed, each value by a function of it."""

    def other(record: Record) -> Record:
        steps = tuple(
            msgspec.structs.replace(step, **{n: of(step) for n, of in values.items()})  # type: ignore[operator]
            for step in record.steps
        )
        return seal(msgspec.structs.replace(record, steps=steps))

    return [other(record) if record.launch in launches else record for record in found]


def test_losses_of_later_launches_fail_the_gate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ten percent more in launches 2 to 5 alone: CHANGED, with the launches named."""
    other = changed(side(AFTER), (2, 3, 4, 5), loss=lambda step: step.loss * 1.1)
    found = compared(side(BEFORE), other)
    loss = line(found, "loss")
    assert (loss.verdict, loss.fails, loss.ratio) == ("CHANGED", True, pytest.approx(1.1))
    assert loss.note == (
        "repeat 2: first loss is 10 % away, over 0.05 %; the same verdict in repeat 3, repeat 4,"
        " repeat 5"
    )
    assert "tiny-qwen3-lora: loss CHANGED" in found.failures
    base, candidate = folder(tmp_path / "a", side(BEFORE)), folder(tmp_path / "b", other)
    assert main(["compare", base, candidate, "--gate"]) == 5
    assert "repeat 2: first loss is 10 % away" in capsys.readouterr().out


@pytest.mark.parametrize("launch", [1, 2, 5])
def test_a_loss_that_is_no_number_in_any_launch_fails(launch: int) -> None:
    """A NaN in one of five launches is no SAME, though the others train as before."""
    nan = changed(side(AFTER), (launch,), loss=lambda _: None, loss_text=lambda _: "nan")
    found = line(compared(side(BEFORE), nan), "loss")
    assert (found.verdict, found.fails) == ("CHANGED", True)
    assert found.note == f"repeat {launch}: loss is nan at step 1"


def test_a_gradient_norm_of_a_later_step_and_launch_fails() -> None:
    """Three percent at step 7 of launch 4, with every loss as before."""
    steeper = changed(
        side(AFTER), (4,), gradient_norm=lambda step: 1.545 if step.index == 6 else 1.5
    )
    found = line(compared(side(BEFORE), steeper), "loss")
    assert (found.verdict, found.fails, found.ratio) == ("CHANGED", True, 1)
    assert found.note == "repeat 4: gradient norm is 3.0 % away at step 7, over 1.5 %"


def test_a_launch_stands_against_the_bases_of_its_number_or_the_nearest() -> None:
    """Launches unlike each other agree pairwise; one without a peer stands by the nearest."""

    def trained(run_id: str) -> list[Record]:
        launches = side(run_id)
        for number in (2, 3, 4, 5):
            launches = changed(launches, (number,), loss=lambda s, n=number: s.loss + n)
        return launches

    whole, part = trained(BEFORE), trained(BEFORE)[:4]
    assert line(compared(whole, trained(AFTER)), "loss").verdict == "SAME"
    short = line(compared(part, trained(AFTER)), "loss")
    assert short.note.startswith("repeat 5: first loss is")
    assert short.base == part[-1].steps[0].loss
    assert line(compared(whole, trained(AFTER)[2:]), "loss").verdict == "SAME"


def test_a_launch_of_several_runs_is_told_with_its_run() -> None:
    """Launch 2 of two runs is two launches."""
    other = changed(side(AFTER), (2,), loss=lambda step: step.loss * 1.1)
    found = line(compared(side(BEFORE), [*side(AFTER[:-1] + "c"), *other]), "loss")
    assert found.note == f"repeat 2 of session {AFTER}: first loss is 10 % away, over 0.05 %"


def test_losses_that_part_a_little_in_every_case_fail_together() -> None:
    """0.08 % after the first step is within each case's band, and no chance in all of five."""

    def moved(record: Record, share: float) -> Record:
        steps = [
            msgspec.structs.replace(step, loss=step.loss * (1 + share)) if step.index else step
            for step in record.steps
            if step.loss is not None
        ]
        return seal(msgspec.structs.replace(record, steps=tuple(steps)))

    methods = ("lora", "lora-naive", "qlora", "unsloth-lora", "unsloth-qlora")
    base = side_of(BEFORE, methods)
    shares = {method: 0.0007 + 0.00005 * number for number, method in enumerate(methods)}
    found = compared(base, [moved(r, shares[r.method]) for r in side_of(AFTER, methods)])
    assert {each.verdict for each in found.lines if each.metric == "loss"} == {"SAME"}
    (loss,) = [each for each in found.pooled if each.quantity == "loss"]
    assert loss.ratio == pytest.approx(1.0008, abs=0.0001)
    assert found.failures == ("all cases together: a higher loss",)
    both = [moved(r, (-1) ** n * shares[r.method]) for n, r in enumerate(side_of(AFTER, methods))]
    assert compared(base, both).failures == ()


def side_of(run_id: str, methods: tuple[str, ...]) -> list[Record]:
    return [record for method in methods for record in side(run_id, method=method)]
