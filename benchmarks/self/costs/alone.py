"""The other side of the pair: the same Trainer on the same work, with nothing of ours around it.

``alone.py CACHE OUT READY`` writes JSON: the end of every step that counts (``time.monotonic()``).
READY gets this process's id before the first of them. Model, data and the trainer's settings are
the case's; there is no session, no gate, no instrument.
"""

import os
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import torch
import transformers

from benchmarks.self.costs.case import first_counted, paired_case
from suite.wire import Start
from suite.worker.batches import as_dicts, collate
from suite.worker.data import rows
from suite.worker.engines import open_engine
from suite.worker.model import weights
from suite.worker.model.checkpoints import checkpoint_folder
from suite.worker.training.settings import training_arguments


class StepEnds(transformers.TrainerCallback):
    """Notes when each step ended."""

    def __init__(self, ready: Path, before: int) -> None:
        self.ends: list[float] = []
        self._ready, self._before = ready, before

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Note it."""
        self.ends.append(time.monotonic())
        if len(self.ends) == self._before:
            self._ready.write_text(str(os.getpid()))


def main(cache: Path, out: Path, ready: Path) -> None:
    """Train once."""
    case = paired_case()
    start = Start(
        case=case,
        device="cpu",
        weights="dummy",
        cache=str(cache),
        compiled=str(cache / "compiled"),
    )
    torch.manual_seed(case.seed)
    checkpoint = str(checkpoint_folder(case.model, "dense", cache))
    engine = open_engine("transformers")
    model = engine.load(start, checkpoint, None)
    tokenizer = transformers.AutoTokenizer.from_pretrained(checkpoint)
    weights.fill_base(model, case.seed)
    model = engine.attach(model, case)
    weights.fill_adapters(model, case.seed)
    steps = first_counted(case) + case.steady_steps
    work, vocabulary_size = case.workload, case.model.architecture.vocabulary_size
    data = rows(work, vocabulary_size, case.seed, steps * work.batch_sequences)
    arguments = training_arguments(start, str(cache / "trainer")) | {"max_steps": steps}
    clock = StepEnds(ready, first_counted(case))
    transformers.Trainer(
        model=model,
        args=transformers.TrainingArguments(**arguments),
        train_dataset=as_dicts(data, work.packing),
        data_collator=partial(collate, packing=work.packing, padding_id=tokenizer.pad_token_id),
        processing_class=tokenizer,
        callbacks=[clock],
    ).train()
    out.write_bytes(msgspec.json.encode({"ends": clock.ends[first_counted(case) - 1 :]}))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
