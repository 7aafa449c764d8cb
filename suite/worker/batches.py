"""Rows as tensors: the collator that the plain loops share, and counting a batch's tokens."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import torch

from suite.worker.data import IGNORED, TrainingRow

Batch = Mapping[str, Any]


def as_dicts(rows: Sequence[TrainingRow], packing: str) -> list[dict[str, list[int]]]:
    """Return rows under the column names that TRL's collator and ours understand."""
    columns = []
    for row in rows:
        columns.append({"input_ids": row.input_ids, "labels": row.labels})
        if packing == "packed":
            columns[-1]["seq_lengths"] = row.lengths
    return columns


def collate(rows: Sequence[Mapping[str, list[int]]], packing: str, padding_id: int) -> Batch:
    """Return one batch, the same tensors as TRL's collator makes of these rows.

    Unpacked rows are padded on the right to the longest of the batch. Otherwise the batch becomes
    one row without padding or mask, and ``position_ids`` that restart say where documents begin.
    """
    if packing == "none":
        longest = max(len(row["input_ids"]) for row in rows)

        def pad(values: list[int], with_: int) -> list[int]:
            return values + [with_] * (longest - len(values))

        return {
            "input_ids": torch.tensor([pad(row["input_ids"], padding_id) for row in rows]),
            "attention_mask": torch.tensor([pad([1] * len(row["input_ids"]), 0) for row in rows]),
            "labels": torch.tensor([pad(row["labels"], IGNORED) for row in rows]),
        }
    lengths = [n for row in rows for n in row.get("seq_lengths", [len(row["input_ids"])])]
    return {
        "input_ids": torch.tensor([[token for row in rows for token in row["input_ids"]]]),
        "labels": torch.tensor([[label for row in rows for label in row["labels"]]]),
        "position_ids": torch.tensor([[at for n in lengths for at in range(n)]]),
    }


def layout(batch: Batch, asked: str) -> str:
    """Return how a batch is laid out, as ``Workload.packing`` calls it.

    ``packed`` and ``padding-free`` batches look alike, so of those two the one asked for.
    """
    if "attention_mask" in batch:
        return "none"
    return asked if asked != "none" else "padding-free"


class Tokens(NamedTuple):
    """A step's tokens: positions computed, those that are not padding, those that bear loss.

    ``rows`` are the real lengths of the sequences that attention ran over, one by one.
    """

    padded: int
    real: int
    loss: int
    rows: tuple[int, ...]


def tokens(batches: Sequence[Batch]) -> Tokens:
    """Count the tokens of a step, from the batches as the trainer got them.

    The model predicts the next token, so the label of a row's first position is never used.
    """
    padded = loss = 0
    rows: list[int] = []
    for batch in batches:
        ids = batch["input_ids"]
        padded += ids.numel()
        loss += int((batch["labels"][..., 1:] != IGNORED).sum().item())
        if "attention_mask" in batch:
            rows += batch["attention_mask"].sum(dim=1).tolist()
        elif "position_ids" in batch:
            begins = torch.nonzero(batch["position_ids"].flatten() == 0).flatten().tolist()
            rows += [end - begin for begin, end in pairwise([*begins, ids.numel()])]
        else:
            rows += [ids.shape[1]] * ids.shape[0]
    return Tokens(padded=padded, real=sum(rows), loss=loss, rows=tuple(rows))


def total(losses: Sequence[torch.Tensor]) -> float:
    """Return the sum of scalars that may still be on the device; waits for it."""
    return float(sum(loss.double().item() for loss in losses))
