"""The Unsloth engine: its loader, adapters and kernels; without a GPU its CPU part.

Imported first of all, so that it can patch the libraries it builds on.
"""

import unsloth  # isort: skip  # before anything else: it patches transformers, TRL and PEFT

from typing import Any

import torch

from suite.catalog import families
from suite.catalog.case import Case
from suite.catalog.method import Method
from suite.wire import Start
from suite.worker.model.targets import module_targets, parameter_targets


def load(start: Start, checkpoint: str, revision: str | None) -> Any:
    """Return a causal language model on the device; see ``Engine.load``."""
    method = start.case.method
    settings: dict[str, Any] = {
        "model_name": checkpoint,
        "revision": revision,
        "max_seq_length": start.case.workload.sequence_tokens,
        "dtype": torch.bfloat16,
        "load_in_4bit": method.quantization is not None,
        "full_finetuning": method.adapter is None,
        "use_gradient_checkpointing": checkpointing(method),
        "random_state": start.case.seed,
    }
    parallel = start.case.parallel
    if parallel is not None and parallel.kind == "split":
        settings["device_map"] = "balanced"
    if method.attention != "engine":
        settings["attn_implementation"] = method.attention
    splits = families.of(start.case.model.family).unsloth_splits_experts
    if not start.on_gpu and method.quantization and splits:
        # Unsloth's GPU loader swaps in experts that can be quantized one by one; its CPU loader
        # does not, and would leave nine tenths of the model unquantized.
        from unsloth_zoo.temporary_patches.gpt_oss import patch_gpt_oss_bnb4bit

        patch_gpt_oss_bnb4bit()
    model, _ = unsloth.FastLanguageModel.from_pretrained(**settings)
    return model


def attach(model: Any, case: Case) -> Any:
    """Return the model with its adapters; see ``Engine.attach``."""
    adapter = case.method.adapter
    if adapter is not None:
        modules = module_targets(adapter, case.model)
        parameters = parameter_targets(adapter, case.model)
        if parameters and (split := _split_experts(model)):
            modules, parameters = modules + split, None
        model = unsloth.FastLanguageModel.get_peft_model(
            model,
            r=adapter.rank,
            lora_alpha=adapter.alpha,
            lora_dropout=adapter.dropout,
            use_rslora=adapter.use_rslora,
            bias="none",
            target_modules=modules,
            use_gradient_checkpointing=checkpointing(case.method),
            random_state=case.seed,
            max_seq_length=case.workload.sequence_tokens,
            **({"target_parameters": parameters} if parameters else {}),
            **({"use_dora": True} if adapter.use_dora else {}),
        )
    model.for_training()  # its SFTTrainer does this too, the other loops do not
    return model


def checkpointing(method: Method) -> str | bool:
    """Return what Unsloth calls the case's gradient checkpointing."""
    known: dict[str, str | bool] = {"none": False, "standard": True, "unsloth": "unsloth"}
    return known[method.gradient_checkpointing]


def _split_experts(model: Any) -> list[str]:
    """Return the names, from the expert on, of experts that are linear layers of their own."""
    lists = (".experts.gate_up_projs.", ".experts.down_projs.")
    names = [name for name, _ in model.named_modules() if any(part in name for part in lists)]
    return sorted({name.partition(".experts.")[2] for name in names})
