"""The loop ``sft``: TRL's SFTTrainer, as users run it; its loss is a fused LM head."""

from pathlib import Path
from typing import Any

import datasets
import transformers
import trl

from suite.catalog.engines import ENGINES
from suite.wire import Ledger, Start
from suite.worker.batches import as_dicts
from suite.worker.data import TrainingRow
from suite.worker.failures import Unsupported
from suite.worker.training.instrument import train
from suite.worker.training.settings import training_arguments
from suite.worker.training.step_gate import Gate


def run(
    model: Any, tokenizer: Any, rows: list[TrainingRow], start: Start, gate: Gate
) -> Ledger | None:
    """Train under TRL's SFTTrainer; see ``Loop.run``.

    Rows come tokenized, cut and, where the workload says so, packed by ``data.py``: what TRL's own
    preparation would do, done before and the same for every engine. Unsloth would choose
    padding-free batches by itself where nothing is said; the workload says.
    """
    method, packing = start.case.method, start.case.workload.packing
    if not start.on_gpu and not ENGINES[method.engine].fused_loss:
        raise Unsupported(
            f"TRL {trl.__version__}'s SFTTrainer computes its loss in Triton kernels only, which"
            " need a GPU; on the CPU use --loop trainer"
        )
    config = trl.SFTConfig(
        **training_arguments(start, str(Path(start.cache) / "trainer")),
        max_length=None,
        padding_free=packing != "none",
        dataset_kwargs={"skip_prepare_dataset": True},
        # TRL would add a mixture-of-experts model's balancing loss, which no other loop has and
        # frozen routers make nothing of: the loss here is that of the tokens.
        router_aux_loss_coef=0.0,
    )
    dataset = datasets.Dataset.from_list(as_dicts(rows, packing))
    # Unsloth gives up padding-free batches unless rows are known to be cut; TRL ignores this.
    dataset._unsloth_truncated_to = start.case.workload.sequence_tokens
    kind = trl.SFTTrainer if method.fused_loss else _FullLogitsTrainer
    trainer = kind(
        model=model,
        args=config,
        train_dataset=dataset,
        processing_class=tokenizer,
    )
    return train(trainer, start, gate)


class _FullLogitsTrainer(trl.SFTTrainer):
    """SFTTrainer without its fused LM head: the model's own loss over the full logits."""

    def compute_loss(self, *arguments: Any, **keywords: Any) -> Any:
        """Return what transformers' Trainer returns."""
        return transformers.Trainer.compute_loss(self, *arguments, **keywords)
