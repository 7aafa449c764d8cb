"""FSDP2 as accelerate applies it, with weights that are made where they are needed: in shards.

A model of random weights is built without any, is sharded, and then every rank fills its own
shards. A GPU never holds more than its part, and what it holds are the bits of the whole model.
"""

from typing import Any

import transformers
from accelerate import init_empty_weights
from accelerate.state import PartialState
from accelerate.utils import DistributedType
from accelerate.utils.fsdp_utils import fsdp2_apply_ac, fsdp2_prepare_model

from suite.wire import Start
from suite.worker.model import weights


def arguments(checkpointing: bool) -> dict[str, Any]:
    """Return what TrainingArguments are told of FSDP2; the trainer wraps each decoder layer.

    Checkpointing belongs to FSDP2 then: around a sharded layer the trainer's own would gather it
    twice.
    """
    return {
        "fsdp": True,
        "fsdp_config": {
            "version": 2,
            "auto_wrap_policy": "TRANSFORMER_BASED_WRAP",
            "activation_checkpointing": checkpointing,
            "reshard_after_forward": True,
            "state_dict_type": "SHARDED_STATE_DICT",
        },
    }


def empty_model(checkpoint: str, settings: dict[str, Any]) -> Any:
    """Return a model whose weights take no memory yet; its few buffers are there."""
    config = transformers.AutoConfig.from_pretrained(checkpoint)
    kept = {name: settings[name] for name in ("dtype", "attn_implementation") if name in settings}
    with init_empty_weights(include_buffers=False):
        return transformers.AutoModelForCausalLM.from_config(config, **kept)


def allow_without_gpu(start: Start) -> None:
    """Let accelerate shard on a CPU, where it would ignore FSDP2 and train with DDP unasked.

    Call between the making of TrainingArguments and of the trainer.
    """
    if not start.on_gpu:
        PartialState._shared_state["distributed_type"] = DistributedType.MULTI_GPU


def shard(trainer: Any, start: Start) -> None:
    """Shard a trainer's model and fill what was built empty; see ``arguments``.

    What was loaded with its weights is left to the trainer, which shards it when it begins.
    """
    model, accelerator = trainer.model, trainer.accelerator
    if not any(parameter.is_meta for parameter in model.parameters()):
        return
    plugin = accelerator.state.fsdp_plugin
    plugin.set_auto_wrap_policy(model)
    if plugin.activation_checkpointing:
        fsdp2_apply_ac(accelerator, model)
        plugin.activation_checkpointing = False  # done; the trainer would do it again
    fsdp2_prepare_model(accelerator, model)
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    model.to_empty(device=accelerator.device)
    for name, buffer in model.named_buffers():
        buffer.copy_(buffers[name])
    model.tie_weights()
    weights.fill_base(model, start.case.seed)
    weights.fill_adapters(model, start.case.seed)
