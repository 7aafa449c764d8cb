"""Losses agree within the stated band or the verdict says what is wrong, in words."""

import msgspec
import pytest

from suite.results.record import Record
from suite.results.validity.comparable import differences, other_work
from suite.results.validity.parity import DUMMY_BAND, EXPERTS_BAND, OTHER_BAND, Parity, References
from suite.wire import Step
from support import records


def parity(record: Record, *others: Record) -> Parity:
    return References([record, *others]).parity(record)


def scaled(steps: tuple[Step, ...], *factors: float) -> tuple[Step, ...]:
    """Return the steps with their losses times the factors, the last one for all the rest."""
    every = [*factors, *[factors[-1]] * (len(steps) - len(factors))]
    return tuple(
        msgspec.structs.replace(step, loss=None if step.loss is None else step.loss * factor)
        for step, factor in zip(steps, every, strict=True)
    )


def steeper(index: int, factor: float) -> tuple[Step, ...]:
    """Return steps with the gradient norm of one of them times the factor."""
    return tuple(
        msgspec.structs.replace(step, gradient_norm=(step.gradient_norm or 0) * factor)
        if step.index == index
        else step
        for step in records.steps()
    )


def test_the_same_losses_agree() -> None:
    """Equal numbers agree, with differences of zero over all common steps."""
    found = parity(records.record(method="unsloth-lora"), records.record())
    assert (found.verdict, found.first, found.trajectory, found.steps) == ("agrees", 0, 0, 17)
    assert found.reference == records.record()


@pytest.mark.parametrize(
    ("factors", "verdict"),
    [
        ((1 + 0.9 * DUMMY_BAND.first_loss,), "agrees"),
        ((1 - 1.1 * DUMMY_BAND.first_loss, 1.0), "differs"),
        ((1.0, 1 + 0.9 * DUMMY_BAND.trajectory), "agrees"),
        ((1.0, 1.0, 1.0, 1 - 1.1 * DUMMY_BAND.trajectory, 1.0), "differs"),
    ],
)
def test_the_band(factors: tuple[float, ...], verdict: str) -> None:
    """The first loss has its own, narrower band; any one step outside the wider one differs."""
    ours = records.record(method="unsloth-lora", steps=scaled(records.steps(), *factors))
    assert parity(ours, records.record()).verdict == verdict


@pytest.mark.parametrize(
    ("factor", "weights", "verdict"),
    [
        (1 + 0.9 * DUMMY_BAND.gradient, "dummy seed 17 fill 2", "agrees"),
        (1 - 1.1 * DUMMY_BAND.gradient, "dummy seed 17 fill 2", "differs"),
        (1 - 1.1 * DUMMY_BAND.gradient, "hub Qwen/Qwen3@abc", "agrees"),
        (1 - 1.1 * OTHER_BAND.gradient, "hub Qwen/Qwen3@abc", "differs"),
    ],
)
@pytest.mark.parametrize("index", [0, 6, 16])
def test_gradient_norms_of_every_step_have_a_band_too(
    factor: float, weights: str, verdict: str, index: int
) -> None:
    """A backward pass or an update that is wrong shows before any loss does, at whatever step."""
    ours = records.record(method="unsloth-lora", steps=steeper(index, factor), weights=weights)
    found = parity(ours, records.record(weights=weights))
    assert found.verdict == verdict
    assert found.gradient == pytest.approx(abs(factor - 1))
    assert found.gradient_steps == 17
    assert verdict == "agrees" or f"at step {index + 1}, over" in found.reason


def test_three_percent_at_step_seven_alone_differ() -> None:
    """Losses agree and 16 norms do; the reason names the step, the size and what is allowed."""
    found = parity(records.record(method="unsloth-lora", steps=steeper(6, 1.03)), records.record())
    assert (found.verdict, found.first, found.trajectory) == ("differs", 0, 0)
    assert found.reason == "gradient norm is 3.0 % away at step 7, over 1.5 %"


def test_unknown_gradient_norms_leave_the_verdict_to_losses() -> None:
    """The reason says that they are unknown, in all steps or in how many; none is made up."""
    bare = tuple(msgspec.structs.replace(s, gradient_norm=None) for s in records.steps())
    some = (*bare[:3], *records.steps()[3:])
    for ours, theirs, reason, known in (
        (bare, records.steps(), "; gradient norms are unknown", 0),
        (records.steps(), bare, "; gradient norms are unknown", 0),
        (some, records.steps(), ", gradient norms 1.5 % (unknown at 3 of 17 steps)", 14),
    ):
        reference = records.record(steps=theirs)
        found = parity(records.record(method="unsloth-lora", steps=ours), reference)
        assert (found.verdict, found.gradient_steps) == ("agrees", known)
        assert found.reason == f"first loss within 0.05 %, all 0.10 %{reason}"
        assert found.gradient == (0 if known else None)
        far = records.record(method="unsloth-lora", steps=scaled(ours, 1.1))
        assert parity(far, reference).verdict == "differs"
    off = records.record(method="unsloth-lora", steps=(*bare[:3], *steeper(6, 1.03)[3:]))
    assert parity(off, records.record()).verdict == "differs"


def test_a_mixture_of_experts_may_part_further() -> None:
    """What differs on a dense model agrees there, up to a band of its own; first losses do not."""
    experts = {"model": "tiny-gpt-oss", "weights": "dummy seed 17 fill 2"}
    reference = records.record(**experts)
    for steps, verdict in (
        (scaled(records.steps(), 1.0, 1 + 0.9 * EXPERTS_BAND.trajectory), "agrees"),
        (scaled(records.steps(), 1.0, 1 + 1.1 * EXPERTS_BAND.trajectory), "differs"),
        (scaled(records.steps(), 1 + 1.1 * EXPERTS_BAND.first_loss, 1.0), "differs"),
        (steeper(6, 1 + 0.9 * EXPERTS_BAND.gradient), "agrees"),
        (steeper(6, 1 + 1.1 * EXPERTS_BAND.gradient), "differs"),
    ):
        ours = records.record(method="unsloth-lora", steps=steps, **experts)
        assert parity(ours, reference).verdict == verdict


def test_a_gradient_that_was_rounding_only_is_not_compared() -> None:
    """NF4 weights of the first fill had none to speak of; their losses still count."""
    first_fill = {"weights": "dummy seed 17"}
    reference = records.record(method="qlora", **first_fill)
    for index in (0, 6):
        ours = records.record(method="unsloth-qlora", steps=steeper(index, 6.0), **first_fill)
        found = parity(ours, reference)
        assert (found.verdict, found.gradient, found.gradient_steps) == ("agrees", None, 0)
        assert "gradient norms say nothing" in found.reason


def test_only_common_steps_are_compared() -> None:
    """Warm-up by rule gives engines different numbers of steps."""
    ours = records.record(method="unsloth-lora", steps=records.steps(count=3))
    assert parity(ours, records.record()).steps == 10


def test_losses_near_zero_do_not_blow_up() -> None:
    """Once a tiny text is learned by heart, a tiny absolute difference is no difference."""
    learned, ours = (
        records.record(steps=scaled(records.steps(), 1.0, 1e-6)),
        records.record(method="unsloth-lora", steps=scaled(records.steps(), 1.0, 2e-6)),
    )
    assert parity(ours, learned).verdict == "agrees"


def test_a_loss_that_is_not_finite_differs() -> None:
    """NaN against a number differs; against a NaN reference nothing can be said."""
    good = records.steps()
    nan = (*good[:4], msgspec.structs.replace(good[4], loss=None, loss_text="nan"), *good[5:])
    broken = records.record(method="unsloth-lora", steps=nan)
    found = parity(broken, records.record())
    assert found.verdict == "differs"
    assert found.reason == "loss is nan at step 5"
    found = parity(records.record(method="unsloth-lora"), records.record(steps=nan))
    assert found.verdict == "no reference"


def test_other_tokens_are_other_data() -> None:
    """A step that averages over other tokens saw another batch."""
    other = tuple(msgspec.structs.replace(s, tokens_loss=1) for s in records.steps())
    found = parity(records.record(method="unsloth-lora", steps=other), records.record())
    assert found.verdict == "differs"
    assert "1 loss tokens at step 1, 476 with LoRA" in found.reason


def test_no_reference_says_why() -> None:
    """Each way of having none is a phrase of its own."""
    ours = records.record(method="unsloth-lora")
    reasons = [
        parity(records.record()).reason,
        parity(ours).reason,
        parity(ours, records.record(launch=2)).reason,
        parity(ours, records.failed()).reason,
        parity(ours, records.record(weights="hub Qwen/Qwen3@abc")).reason,
        parity(records.failed(method="unsloth-lora"), records.record()).reason,
    ]
    assert reasons[0] == "it is its own reference"
    assert reasons[1] == reasons[2] == "lora did not run the same workload in this repeat"
    assert "no losses to compare with (oom)" in reasons[3]
    assert "other base weights" in reasons[4]
    assert reasons[5] == "it has no losses to compare"


def test_four_bit_weights_are_not_compared_with_sixteen_bit_ones() -> None:
    """Older records name LoRA as QLoRA's reference; their base weights still differ."""
    qlora = records.record(method="qlora")
    method = msgspec.structs.replace(qlora.case.method, reference="lora")
    case = msgspec.structs.replace(qlora.case, method=method)
    found = parity(records.record(method="qlora", case=case), records.record())
    assert found.verdict == "no reference"
    assert found.reason.startswith("other base weights")


def test_rows_that_differ_in_the_work_say_so() -> None:
    """A ratio of adapters to full fine-tuning, of models or of parameter counts is refused."""
    lora = records.record()
    assert other_work(records.record(method="unsloth-lora"), lora) == ""
    assert "every parameter" in other_work(records.record(method="full"), lora)
    assert "another model" in other_work(records.record(model="tiny-gpt-oss"), lora)
    fewer = records.record(effective=records.effective(trainable_parameters=7))
    assert other_work(fewer, lora) == "it trains 7 parameters, not 147,456"


def test_settings_that_differ_are_listed() -> None:
    """Everything that the running models had differently, and nothing else."""
    eager = records.effective(attention="eager", autocast=None, others={"flag": True})
    found = differences(records.record(effective=eager), records.record())
    assert found is not None
    assert [(d.setting, d.ours, d.theirs) for d in found] == [
        ("attention", "eager", "sdpa"),
        ("autocast", "none", "bfloat16"),
        ("flag", "yes", "none"),
    ]
    assert differences(records.failed(), records.record()) is None
