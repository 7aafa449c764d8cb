"""Batches: the same tensors as TRL's, and their tokens counted from what they are."""

import pytest
import torch
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from suite.catalog.tier import Workload
from suite.worker.batches import as_dicts, collate, layout, tokens
from suite.worker.data import rows

PADDING = 257


@pytest.mark.parametrize("packing", ["none", "packed", "padding-free"])
def test_our_batches_are_those_of_trl(packing: str) -> None:
    """The loops trainer and bare compute what the loop sft does."""
    workload = Workload(
        sequence_tokens=512, batch_sequences=3, data="real-length", packing=packing
    )
    columns = as_dicts(rows(workload, 512, 1, 3), packing)
    theirs = DataCollatorForLanguageModeling(PADDING, padding_free=packing != "none")(columns)
    ours = collate(columns, packing, PADDING)
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        assert torch.equal(tensor, theirs[name]), name
    assert layout(ours, packing) == packing


def test_tokens_three_ways() -> None:
    """Padding, real tokens and those that bear loss are counted apart, over all batches."""
    first = [
        {"input_ids": [1, 2, 3, 4], "labels": [-100, -100, 3, 4]},
        {"input_ids": [5, 6], "labels": [-100, 6]},
    ]
    second = [{"input_ids": [7, 8, 9], "labels": [7, 8, 9]}]  # a first label is never predicted
    padded = tokens([collate(first, "none", PADDING), collate(second, "none", PADDING)])
    assert padded == (8 + 3, 4 + 2 + 3, 2 + 1 + 2, (4, 2, 3))
    assert tokens([collate(first, "padding-free", PADDING)]) == (6, 6, 3, (4, 2))


def test_a_batch_that_is_not_what_was_asked() -> None:
    """A batch with a mask has been padded, one without has been flattened."""
    row = [{"input_ids": [1, 2], "labels": [-100, 2]}]
    assert layout(collate(row, "none", PADDING), "packed") == "none"
    assert layout(collate(row, "padding-free", PADDING), "none") == "padding-free"
