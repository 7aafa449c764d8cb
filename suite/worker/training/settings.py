"""The trainer settings that every loop shares, in one place."""

from typing import Any

from suite.catalog.engines import ENGINES
from suite.wire import Start
from suite.worker.failures import Unsupported
from suite.worker.ranks import shards

#: More than any session asks for. With a constant learning rate and no warm-up nothing else
#: depends on it, so the number of steps granted does not change the work of one.
MAX_STEPS = 1_000_000


def training_arguments(start: Start, output: str) -> dict[str, Any]:
    """Return the keyword arguments that TrainingArguments and SFTConfig have in common.

    What is not named here stays at the library's default, as users run it.
    """
    case = start.case
    method, workload = case.method, case.workload
    arguments: dict[str, Any] = {
        "output_dir": output,
        "max_steps": MAX_STEPS,
        "per_device_train_batch_size": workload.batch_sequences,
        "gradient_accumulation_steps": workload.gradient_accumulation,
        "learning_rate": method.optimizer.learning_rate,
        "lr_scheduler_type": "constant",
        "warmup_steps": 0,
        "weight_decay": 0.0,
        "max_grad_norm": method.optimizer.max_gradient_norm,
        "optim": method.optimizer.name,
        "bf16": method.autocast,
        "gradient_checkpointing": method.gradient_checkpointing == "standard",
        "use_liger_kernel": method.liger,
        "seed": case.seed,
        "use_cpu": not start.on_gpu,
        # Nothing may happen in a step but the step, and batches come as data.py orders them.
        "train_sampling_strategy": "sequential",
        "dataloader_num_workers": 0,
        "dataloader_pin_memory": start.on_gpu,
        "remove_unused_columns": False,
        "eval_strategy": "no",
        "save_strategy": "no",
        "logging_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
    }
    if start.sharded:
        arguments["gradient_checkpointing"] = False
        arguments |= shards.arguments(method.gradient_checkpointing == "standard")
    elif method.gradient_checkpointing == "standard":
        arguments["gradient_checkpointing_kwargs"] = {"use_reentrant": False}
    return arguments


def refuse_flattened_unsloth(start: Start) -> None:
    """Raise Unsupported for a case whose documents would see each other unnoticed.

    Unsloth's fast attention reads the ends of documents from what its SFTTrainer adds to a batch,
    not from position ids.
    """
    case = start.case
    if ENGINES[case.method.engine].packs_in_trl_only and case.workload.packing != "none":
        raise Unsupported(
            "Unsloth separates the documents of one row in its SFTTrainer only:"
            f" {case.workload.packing} rows need --loop sft"
        )
