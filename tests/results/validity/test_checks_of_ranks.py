"""Ranks that did not train one model together make a record invalid, and are told apart."""

from collections.abc import Callable

import msgspec
import pytest

from suite.catalog.case import Case
from suite.catalog.parallel import Parallel, ParallelName
from suite.results.record import Rank, RankStep
from suite.results.validity.checks_of_ranks import check
from suite.wire.ranks import RankDone, RankReady
from support import records

TRAINED = 155_648  # tiny-qwen3 with LoRA


def of(kind: ParallelName, method: str = "lora") -> Case:
    case = records.case(method=method)
    spread = msgspec.structs.replace(case.workload, parallel=Parallel(kind=kind, gpus=2))
    return msgspec.structs.replace(case, workload=spread)


def rank(number: int, weights: int = 100) -> Rank:
    ready = RankReady(
        rank=number,
        device="cpu",
        trainable_parameters=TRAINED,
        weights_bytes=weights,
        whole_bytes=100,
        first_rows=(f"a{number}", f"b{number}"),
        data="one",
    )
    steps = tuple(
        RankStep(seconds=0.1, tokens_real=512, loss=6.0 - at - number / 10, gradient_norm=1.5)
        for at in range(3)
    )
    return Rank(
        rank=number, ready=ready, steps=steps, done=RankDone(rank=number, trained_sum=0.25)
    )


def failed(case: Case, ranks: list[Rank]) -> list[str]:
    return [one.name for one in check(case, ranks) if one.status == "failed"]


def test_ranks_that_train_together_pass() -> None:
    """Whole weights on each under DDP, a half under FSDP2."""
    assert failed(of("ddp"), [rank(0), rank(1)]) == []
    assert failed(of("fsdp2"), [rank(0, 50), rank(1, 50)]) == []


def _ready(**changes: object) -> Callable[[Rank], Rank]:
    def change(one: Rank) -> Rank:
        return msgspec.structs.replace(one, ready=msgspec.structs.replace(one.ready, **changes))

    return change


def _steps(**changes: object) -> Callable[[Rank], Rank]:
    def change(one: Rank) -> Rank:
        steps = tuple(msgspec.structs.replace(step, **changes) for step in one.steps)
        return msgspec.structs.replace(one, steps=steps)

    return change


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (_ready(trainable_parameters=TRAINED - 1), "ranks train the same"),
        (_ready(first_rows=("a0", "b1")), "ranks have rows of their own"),
        (_steps(gradient_norm=1.6), "gradients are averaged"),
        (
            lambda one: msgspec.structs.replace(one, done=RankDone(rank=1, trained_sum=0.2501)),
            "gradients are averaged",
        ),
        (_ready(weights_bytes=50), "weights of each rank"),
    ],
)
def test_one_that_goes_its_own_way_is_found(change: Callable[[Rank], Rank], name: str) -> None:
    """Each of these trains on without an error."""
    assert failed(of("ddp"), [rank(0), change(rank(1))]) == [name]


def test_ranks_that_saw_the_same_rows_are_found() -> None:
    """One loss on all ranks means that they did the same work twice."""
    twins = [rank(0), msgspec.structs.replace(rank(0), rank=1)]
    assert failed(of("ddp"), twins) == ["ranks have rows of their own", "gradients are averaged"]


def test_four_bit_weights_that_were_not_sharded_are_named() -> None:
    """What accelerate does with packed bytes: a whole copy on every rank, with a warning."""
    [_, _, _, found] = check(of("fsdp2", "qlora"), [rank(0), rank(1)])
    assert found.status == "failed"
    assert "bnb_4bit_quant_storage = uint8" in found.detail
