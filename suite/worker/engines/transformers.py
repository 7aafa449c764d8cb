"""The plain engine: transformers loads, PEFT adapts, bitsandbytes quantizes."""

from typing import Any

import torch
import transformers
from peft import LoraConfig, get_peft_model

from suite.catalog import families
from suite.catalog.case import Case
from suite.catalog.method import Adapter, Quantization
from suite.catalog.model import Model
from suite.wire import Start
from suite.worker.failures import Unsupported
from suite.worker.model.targets import module_targets, parameter_targets
from suite.worker.ranks import shards
from suite.worker.ranks.member import local_rank


def load(start: Start, checkpoint: str, revision: str | None) -> Any:
    """Return a causal language model in bfloat16 on the device; see ``Engine.load``."""
    method = start.case.method
    if method.liger and not start.on_gpu:
        raise Unsupported("Liger's kernels are written in Triton, which needs a GPU")
    settings: dict[str, Any] = {
        "dtype": torch.bfloat16,
        "device_map": _device_map(start),
        "revision": revision,
    }
    if method.attention != "engine":
        settings["attn_implementation"] = attention(method.attention, start.case.model)
    if method.quantization is not None:
        settings["quantization_config"] = quantization_config(
            method.quantization, sharded=start.sharded
        )
    elif start.sharded and start.weights == "dummy":
        return shards.empty_model(checkpoint, settings)
    elif start.weights != "dummy" and _is_mxfp4(checkpoint, revision):
        # MXFP4 has no backward pass: training needs it unpacked.
        settings["quantization_config"] = transformers.Mxfp4Config(dequantize=True)
    return transformers.AutoModelForCausalLM.from_pretrained(checkpoint, **settings)


def attach(model: Any, case: Case) -> Any:
    """Return the model with its adapters; see ``Engine.attach``."""
    adapter = case.method.adapter
    if adapter is None:
        return model.requires_grad_(True)
    return get_peft_model(model, lora_config(adapter, case.model))


def attention(asked: str, model: Model) -> str:
    """Return the attention implementation that is nearest to what the method asks for."""
    # The record's effective settings say what runs.
    return "eager" if asked == "sdpa" and families.of(model.family).no_sdpa else asked


def _device_map(start: Start) -> Any:
    """Return where weights go when they are read: to this rank's GPU, or over all of them."""
    parallel = start.case.parallel
    if parallel is None:
        return {"": start.device}
    if parallel.kind == "split":
        return "balanced"
    if start.sharded and start.case.method.quantization is None:
        return {"": "cpu"}  # a whole model may not fit where its shards do
    return {"": local_rank() if start.on_gpu else start.device}


def quantization_config(quantization: Quantization, *, sharded: bool = False) -> Any:
    """Return bitsandbytes' settings for a catalog entry, computing in bfloat16.

    FSDP2 shards tensors of floating point only: of the default, packed bytes, accelerate leaves a
    whole copy on every GPU, and before 1.14 losses came out as NaN. The bits are the same.
    """
    stored = {"bnb_4bit_quant_storage": torch.bfloat16} if sharded else {}
    return transformers.BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type=quantization.scheme,
        bnb_4bit_use_double_quant=quantization.double_quantization,
        bnb_4bit_compute_dtype=torch.bfloat16,
        **stored,
    )


def lora_config(adapter: Adapter, model: Model) -> Any:
    """Return PEFT's settings for a catalog entry."""
    return LoraConfig(
        task_type="CAUSAL_LM",
        r=adapter.rank,
        lora_alpha=adapter.alpha,
        lora_dropout=adapter.dropout,
        use_rslora=adapter.use_rslora,
        use_dora=adapter.use_dora,
        bias="none",
        target_modules=module_targets(adapter, model),
        target_parameters=parameter_targets(adapter, model),
    )


def _is_mxfp4(checkpoint: str, revision: str | None) -> bool:
    config = transformers.AutoConfig.from_pretrained(checkpoint, revision=revision)
    quantization = getattr(config, "quantization_config", None) or {}
    return bool(quantization.get("quant_method") == "mxfp4")
