"""Holds and measures the steps of any transformers Trainer, from outside of it."""

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from transformers import TrainerCallback

from suite.wire import Ledger, Start
from suite.worker import effective
from suite.worker.batches import Batch, tokens, total
from suite.worker.model.experts import ExpertsWitness
from suite.worker.ranks import shards
from suite.worker.training.memory import MemoryNotes
from suite.worker.training.step_gate import Gate


class _Enough(Exception):
    """The session stopped before the first step."""


class _Instrument(TrainerCallback):
    """One trainer's callback, and the wrappers around three of its methods.

    The methods are wrapped on the instance: an engine may have replaced them on the class.
    """

    def __init__(self, trainer: Any, start: Start, gate: Gate) -> None:
        self._trainer, self._start, self._gate = trainer, start, gate
        self._losses: list[torch.Tensor] = []
        self._norm: torch.Tensor | float | None = None
        self._batches: Sequence[Batch] = ()
        self._tokens = tokens(())
        self._data_seconds = 0.0
        self._memory = MemoryNotes(trainer.model, start.device)
        self._autocast = effective.AutocastWitness(trainer.model, start.device)
        self._experts = ExpertsWitness(trainer.model)
        self._fetch, trainer.get_batch_samples = trainer.get_batch_samples, self._timed_fetch
        self._step, trainer.training_step = trainer.training_step, self._kept_step
        clip = trainer.accelerator.clip_grad_norm_
        self._clip, trainer.accelerator.clip_grad_norm_ = clip, self._kept_clip

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Hold the first step; every later one was granted at the end of the one before."""
        if self._gate.index == 0:
            if self._start.sharded and self._start.on_gpu:
                torch.cuda.empty_cache()  # of what was whole before it was sharded
            running = effective.of_trainer(self._trainer, self._batches[0], self._start)
            self._gate.announce(running, self._batches)
            if not self._gate.wait():
                raise _Enough
        self._losses.clear()
        self._norm = None
        # Counted before the clock starts: on the device it waits for the result.
        self._tokens = tokens(self._batches)
        self._memory.step_begins()
        self._gate.begin()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Report the step and hold the next, before the trainer fetches its batches."""
        self._gate.end(
            tokens=self._tokens,
            loss=partial(total, self._losses),
            gradient_norm=lambda: None if self._norm is None else float(self._norm),
            data_seconds=self._data_seconds,
        )
        self._gate.correct(self._autocast.corrected)
        self._gate.correct(self._experts.corrected)
        if not self._gate.wait():
            control.should_training_stop = True

    def ledger(self) -> Ledger:
        """Return where the memory of the steady steps went."""
        return self._memory.ledger(self._trainer.optimizer)

    def _timed_fetch(self, *arguments: Any, **keywords: Any) -> Any:
        began = time.perf_counter()
        fetched = self._fetch(*arguments, **keywords)
        self._data_seconds = time.perf_counter() - began
        self._batches = fetched[0]
        return fetched

    def _kept_step(self, *arguments: Any, **keywords: Any) -> Any:
        # Already divided by what it is the mean over, so the sum over the accumulated batches is
        # the step's loss. Read later: item() here would wait for the device inside the step.
        loss = self._step(*arguments, **keywords)
        self._losses.append(loss.detach())
        return loss

    def _kept_clip(self, *arguments: Any, **keywords: Any) -> Any:
        if self._gate.index == 1:  # a step of warm-up: counting takes time
            self._memory.gradients_are_there()
        self._norm = self._clip(*arguments, **keywords)
        return self._norm


def train(trainer: Any, start: Start, gate: Gate) -> Ledger | None:
    """Run the trainer under the gate until the session has had enough; None without a step."""
    if start.sharded:
        shards.shard(trainer, start)
    instrument = _Instrument(trainer, start, gate)
    trainer.add_callback(instrument)
    try:
        trainer.train()
    except _Enough:
        return None
    return instrument.ledger()
