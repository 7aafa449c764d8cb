"""The loop ``bare``: forward, backward, clip, update, and nothing else.

Beside the other loops it shows what a trainer itself costs. Optimizer, batches, autocast and the
division of the loss are those of transformers' Trainer.
"""

import time
from collections.abc import Iterator
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

import torch
import transformers

from suite.wire import Ledger, Start
from suite.worker import effective
from suite.worker.batches import Batch, as_dicts, collate, tokens, total
from suite.worker.data import TrainingRow
from suite.worker.model.experts import ExpertsWitness
from suite.worker.training.memory import MemoryNotes
from suite.worker.training.settings import refuse_flattened_unsloth, training_arguments
from suite.worker.training.step_gate import Gate


def run(
    model: Any, tokenizer: Any, rows: list[TrainingRow], start: Start, gate: Gate
) -> Ledger | None:
    """Train in a plain loop; see ``Loop.run``."""
    refuse_flattened_unsloth(start)
    method = start.case.method
    arguments = transformers.TrainingArguments(
        **training_arguments(start, str(Path(start.cache) / "trainer"))
    )
    if arguments.use_liger_kernel:
        transformers.integrations.apply_liger_kernel(model, None)
    if arguments.gradient_checkpointing:
        model.gradient_checkpointing_enable(arguments.gradient_checkpointing_kwargs)
    model.config.use_cache = False
    model.train()
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    kind, settings = transformers.Trainer.get_optimizer_cls_and_kwargs(arguments, model)
    optimizer = kind(trained, weight_decay=arguments.weight_decay, **settings)

    batches = _batches(rows, start, tokenizer.pad_token_id)
    accumulated = start.case.workload.gradient_accumulation
    memory = MemoryNotes(model, start.device)
    autocast = torch.autocast(start.device, torch.bfloat16, enabled=method.autocast)
    witnesses = effective.AutocastWitness(model, start.device), ExpertsWitness(model)
    while True:
        began = time.perf_counter()
        step = [next(batches) for _ in range(accumulated)]
        counted = tokens(step)
        bearing = torch.tensor(counted.loss, device=start.device)
        data_seconds = time.perf_counter() - began
        if gate.index == 0:
            with autocast:
                dtype = effective.active_autocast(start.device)
            running = effective.of_parts(
                model=model,
                optimizer=optimizer,
                driver=f"{__name__}.run",
                autocast=dtype,
                batch=step[0],
                start=start,
                arguments=arguments,
                others={"use_liger_kernel": bool(arguments.use_liger_kernel)},
            )
            gate.announce(running, step)
            if not gate.wait():
                return None
        memory.step_begins()
        gate.begin()
        losses = []
        for batch in step:
            with autocast:
                loss = model(**batch, num_items_in_batch=bearing).loss
            loss.backward()
            losses.append(loss.detach())
        if gate.index == 1:
            memory.gradients_are_there()
        norm = torch.nn.utils.clip_grad_norm_(trained, method.optimizer.max_gradient_norm)
        optimizer.step()
        optimizer.zero_grad()
        gate.end(
            tokens=counted,
            loss=partial(total, losses),
            gradient_norm=norm.item,
            data_seconds=data_seconds,
        )
        for witness in witnesses:
            gate.correct(witness.corrected)
        if not gate.wait():
            return memory.ledger(optimizer)


def _batches(rows: list[TrainingRow], start: Start, padding_id: int) -> Iterator[Batch]:
    """Yield batches on the device, in the order of the rows, for ever."""
    workload = start.case.workload
    columns = as_dicts(rows, workload.packing)
    size = workload.batch_sequences
    for at in cycle(range(0, len(columns), size)):
        batch = collate(columns[at : at + size], workload.packing, padding_id)
        yield {name: tensor.to(start.device) for name, tensor in batch.items()}
