"""Several GPUs beside one: speed-up, efficiency, memory, losses, and what is said without them."""

import msgspec
import pytest

from reports.analysis.dataset import load
from reports.analysis.scaling import OneGpu, ScaledCase, scaled_cases
from reports.export.markdown import markdown
from reports.sections.scaling import NOTHING, finding
from suite.catalog.parallel import Parallel
from suite.results.record import Record
from support import gpu_records, records, sites
from support.gpu_records import GIB

OTHER = "20261125T070000Z-89abcdef"


def scaled(*found: Record) -> ScaledCase:
    (case,) = scaled_cases(load(sites.collection(*found)))
    return case


def beside(*found: Record) -> OneGpu:
    (one,) = scaled(*found).beside
    return one


def said(*found: Record) -> str:
    return finding(scaled_cases(load(sites.collection(*found))))


def alone(*, accumulated: int = 1, **changes: object) -> Record:
    """The same on one GPU, by as many accumulated batches a step."""
    work = records.case("qwen3-8b").workload
    work = msgspec.structs.replace(work, gradient_accumulation=accumulated)
    suffix = "" if accumulated == 1 else "-accumulated"
    return gpu_records.record(workload=work, suffix=suffix, **changes)


def test_pairs_of_one_session_come_before_pooled_repeats() -> None:
    """Twice the rows in 1.25 and 1.6 times the time: the mean of pairs, though more are pooled."""
    group = [gpu_records.several(seconds=s, launch=n) for n, s in ((1, 0.125), (2, 0.16))]
    one = [alone(launch=n) for n in (1, 2)]
    elsewhere = alone(run_id=OTHER, seconds=0.5)
    found = beside(*group, *one, elsewhere)
    assert found.kind == "weak"
    assert found.speedup is not None
    assert found.speedup.basis == "2 pairs"
    assert found.speedup.value == pytest.approx(2 / (1.25 * 1.6) ** 0.5)
    assert found.speedup.efficiency_ends == pytest.approx((1 / 1.6, 1 / 1.25))
    assert found.longer_seconds == pytest.approx((0.025 + 0.06) / 2, rel=0.05)
    assert said(*group, *one) == "2 GPUs are 1.41× as fast as one: 71 % efficiency"


def test_without_a_pair_repeats_are_pooled_and_counted() -> None:
    """Of another session, and so of how many on each side; longer by is of the step."""
    found = beside(gpu_records.several(seconds=0.11), alone(run_id=OTHER))
    assert found.speedup is not None
    assert found.speedup.basis == "1 repeat vs 1"
    assert found.speedup.efficiency == pytest.approx(1 / 1.1)
    assert found.longer_seconds == pytest.approx(0.0101, rel=0.02)


def test_a_wait_of_one_gpu_alone_makes_no_efficiency_without_waits() -> None:
    """Half of the one GPU's steps wait: two GPUs look too good, and the shortest steps tell."""
    waits = records.steps(0.1)
    steps = tuple(
        msgspec.structs.replace(each, seconds=each.seconds * (1 + each.index % 2))
        for each in waits
    )
    group = gpu_records.several(seconds=0.125)
    found = beside(group, alone(steps=steps))
    assert found.speedup is not None
    assert found.speedup.efficiency == pytest.approx(1.2, rel=0.05)
    assert found.without_waits == pytest.approx(0.8, rel=0.02)
    text = said(group, alone(steps=steps))
    assert text.endswith("120 % efficiency, 81 % without waits")


def test_other_gpus_methods_rows_or_weights_make_no_ratio() -> None:
    """What trains other rows or on another GPU does not stand beside; other weights say so."""
    group = gpu_records.several()
    others = (
        alone(profile="h100-sxm"),
        gpu_records.record(method="qlora"),
        alone(accumulated=4),
    )
    assert scaled(group, *others).beside == ()
    assert said(group, *others) == "No result on one GPU to compare with"
    found = beside(group, alone(weights="dummy seed 18"))
    assert (found.speedup, found.differing) == (None, ("other weights",))


def test_as_many_rows_by_accumulation_are_strong_scaling_and_hold_the_losses() -> None:
    """Twice the batches on one GPU take twice as long; its losses are those of two, or not."""
    group = gpu_records.several(seconds=0.1)
    steps = tuple(
        msgspec.structs.replace(each, loss=each.loss * 1.0004, gradient_norm=1.515)
        for each in group.steps
    )
    one = alone(accumulated=2, steps=records.steps(0.18), run_id=OTHER)
    same = msgspec.structs.replace(
        one,
        steps=tuple(
            msgspec.structs.replace(each, seconds=other.seconds)
            for each, other in zip(steps, one.steps, strict=True)
        ),
    )
    found = beside(group, same)
    assert found.kind == "strong"
    assert found.speedup is not None
    assert found.speedup.value == pytest.approx(1.8, rel=0.01)
    assert found.agreement is not None
    assert found.agreement.losses == pytest.approx(0.0004, rel=0.01)
    assert found.agreement.gradient_norms == pytest.approx(0.01, rel=0.02)
    assert said(group, same).endswith("90 % efficiency, same rows in all")
    other_rows = beside(group, one).agreement
    assert other_rows is not None
    assert "loss tokens" in other_rows.reason, "half the tokens are other rows"


def test_what_one_gpu_cannot_hold_is_said() -> None:
    """The record on one GPU ran out of memory, so there is no efficiency."""
    group = gpu_records.several(kind="fsdp2", peaks=(60 * GIB, 61 * GIB))
    assert said(group, gpu_records.failed()) == (
        "LoRA trains on 2 GPUs (FSDP2), where one runs out of memory"
    )


def test_loading_counts_for_what_each_gpu_needs() -> None:
    """A model that is whole before it is shared out needs more than its training shows."""
    made = gpu_records.several(kind="fsdp2", peaks=(20 * GIB, 20 * GIB))
    assert made.group is not None
    loading = gpu_records.phases(20 * GIB, load=30 * GIB, context=None)
    ranks = [msgspec.structs.replace(rank, phases=loading) for rank in made.group.ranks]
    group = msgspec.structs.replace(made.group, ranks=tuple(ranks))
    phases = gpu_records.phases(20 * GIB, load=30 * GIB)
    found = msgspec.structs.replace(made, group=group, phases=phases)
    text = markdown(sites.collection(alone(), found), "scaling")
    head, _, row, *_ = (line.split(" | ") for line in text.splitlines() if line.startswith("| "))
    cells = dict(zip(head, row, strict=True))
    assert (cells["Peak a GPU"], cells["Each needs"]) == ("20 GiB", "31 GiB"), "with the context"


def test_gradients_take_as_long_as_the_probe_says() -> None:
    """An all-reduce over two ranks moves each byte once: 147,456 of 4 bytes at 200 GB/s."""
    found = scaled(gpu_records.several())
    assert found.gradients_seconds == pytest.approx(147_456 * 4 / 200e9)
    assert found.transfer is not None
    assert (found.transfer.operation, found.transfer.message_bytes) == ("all-reduce", 1 << 26)


def test_a_model_split_by_layers_has_the_rows_of_one_gpu() -> None:
    """Its GPUs take turns: the same rows in all, and torch's peak is of all of them."""
    group = gpu_records.several()
    split = Parallel(kind="split", gpus=2)
    work = msgspec.structs.replace(group.case.workload, parallel=split)
    found = gpu_records.record(workload=work, suffix="-split")
    assert beside(found, alone()).kind == "strong"
    assert "Peak a GPU" not in markdown(sites.collection(found, alone()), "scaling")


def test_the_table_is_there_with_results_on_several_gpus_only() -> None:
    """Alone it says that there is none; among all tables it is left out."""
    one = sites.collection(alone())
    assert markdown(one, "scaling") == f"{NOTHING}\n"
    assert "Several GPUs" not in markdown(one)
    text = markdown(sites.collection(alone(), gpu_records.several(seconds=0.11)))
    assert "## Several GPUs" in text
    assert "**2 GPUs are 1.82× as fast as one: 91 % efficiency**" in text
    assert "| 91 % | 91 % | 21 GiB |" in text, "the peak is that of the rank that needs most"
