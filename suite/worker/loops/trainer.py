"""The loop ``trainer``: transformers' Trainer, the model's own loss."""

from functools import partial
from pathlib import Path
from typing import Any

import transformers

from suite.wire import Ledger, Start
from suite.worker.batches import as_dicts, collate
from suite.worker.data import TrainingRow
from suite.worker.ranks import shards
from suite.worker.training.instrument import train
from suite.worker.training.settings import refuse_flattened_unsloth, training_arguments
from suite.worker.training.step_gate import Gate


def run(
    model: Any, tokenizer: Any, rows: list[TrainingRow], start: Start, gate: Gate
) -> Ledger | None:
    """Train under transformers' Trainer; see ``Loop.run``."""
    refuse_flattened_unsloth(start)
    packing = start.case.workload.packing
    arguments = transformers.TrainingArguments(
        **training_arguments(start, str(Path(start.cache) / "trainer"))
    )
    if start.sharded:
        shards.allow_without_gpu(start)
    trainer = transformers.Trainer(
        model=model,
        args=arguments,
        train_dataset=as_dicts(rows, packing),
        data_collator=partial(collate, packing=packing, padding_id=tokenizer.pad_token_id),
        processing_class=tokenizer,
    )
    return train(trainer, start, gate)
