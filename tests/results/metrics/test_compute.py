import msgspec
import pytest

from suite.catalog import profile
from suite.catalog.flops import step_flops
from suite.results.metrics import all_metrics
from suite.wire import Probe
from support import records


def _record(**changes: object):
    made = records.record()
    steps = tuple(
        msgspec.structs.replace(step, seconds=0.5, row_tokens=(100, 28), data_seconds=None)
        for step in made.steps
    )
    return msgspec.structs.replace(made, steps=steps, **changes)


def _value(record: object, tag: str) -> float | None:
    return all_metrics()[tag].compute(record)  # type: ignore[arg-type]  # a record


def test_the_rate_is_the_steps_operations_over_its_seconds():
    """Half a second for two rows of known lengths gives twice their operations a second."""
    record = _record()
    case = record.case
    flops = step_flops(case.model.architecture, case.method.adapter, (100, 28), recomputes=False)
    assert _value(record, "model_flops_per_second") == 2 * flops.model


def test_utilization_divides_by_the_probe_and_by_the_profiles_fact():
    """Each denominator is named by its metric and comes from the record alone."""
    bare = _record()
    rate = _value(bare, "model_flops_per_second")
    probe = Probe(matmul_flops_per_second=rate * 4, matmul="", copy_bytes_per_second=1.0, copy="")
    environment = msgspec.structs.replace(bare.environment, probe=probe)
    hardware = profile.load("h200-sxm")
    record = _record(environment=environment, hardware=hardware)
    assert _value(record, "utilization_of_probe") == pytest.approx(0.25)
    assert _value(record, "utilization_of_peak") == pytest.approx(
        rate / hardware.facts.bf16_flops.value
    )


@pytest.mark.parametrize("tag", ["utilization_of_probe", "utilization_of_peak"])
def test_no_denominator_means_no_number(tag: str):
    """Without a probe or a fact nothing is assumed."""
    assert _value(_record(), tag) is None


def test_unknown_row_lengths_mean_no_number():
    """A record whose steps do not say their rows has no operation count."""
    record = _record()
    steps = tuple(msgspec.structs.replace(step, row_tokens=()) for step in record.steps)
    record = msgspec.structs.replace(record, steps=steps)
    assert _value(record, "model_flops_per_second") is None


def test_recomputation_is_counted_apart_and_only_where_it_runs():
    """Gradient checkpointing adds a forward pass to what the card does, not to the model's."""
    off = _record(effective=records.effective(gradient_checkpointing="none"))
    on = _record(effective=records.effective(gradient_checkpointing="standard"))
    case = on.case
    flops = step_flops(case.model.architecture, case.method.adapter, (100, 28), recomputes=True)
    assert _value(on, "model_flops_per_second") == _value(off, "model_flops_per_second")
    assert _value(off, "hardware_flops_per_second") == _value(off, "model_flops_per_second")
    assert _value(on, "hardware_flops_per_second") == 2 * (flops.model + flops.recompute)
    assert _value(_record(effective=None), "hardware_flops_per_second") is None
