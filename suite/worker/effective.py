"""Settings as the running model and trainer have them, never as the case asked for them."""

import os
import platform
import sys
from collections import Counter
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import CheckpointWrapper

from suite.catalog.device import is_gpu
from suite.wire import Effective, Start, Versions
from suite.worker import arguments as all_arguments
from suite.worker import imported
from suite.worker.batches import Batch, layout
from suite.worker.failures import Unsupported

#: Distribution names by the module that shows that a package was really imported.
PACKAGES = {
    "accelerate": "accelerate",
    "bitsandbytes": "bitsandbytes",
    "cut_cross_entropy": "cut_cross_entropy",
    "datasets": "datasets",
    "flash_attn": "flash-attn",
    "kernels": "kernels",
    "liger_kernel": "liger-kernel",
    "numpy": "numpy",
    "peft": "peft",
    "safetensors": "safetensors",
    "tokenizers": "tokenizers",
    "torch": "torch",
    "torchao": "torchao",
    "transformers": "transformers",
    "triton": "triton",
    "trl": "trl",
    "unsloth": "unsloth",
    "unsloth_zoo": "unsloth_zoo",
    "xformers": "xformers",
}


def of_trainer(trainer: Any, batch: Batch, start: Start) -> Effective:
    """Return the settings of a prepared transformers Trainer, its optimizer included."""
    with trainer.accelerator.autocast():
        autocast = active_autocast(start.device)
    return of_parts(
        model=trainer.model,
        optimizer=trainer.optimizer,
        driver=class_name(trainer),
        autocast=autocast,
        batch=batch,
        start=start,
        arguments=trainer.args,
        others={
            "use_liger_kernel": bool(trainer.args.use_liger_kernel),
            "compute_loss": _function_name(trainer.compute_loss),
            "lr_scheduler_type": str(trainer.args.lr_scheduler_type),
            "model_accepts_loss_kwargs": bool(trainer.model_accepts_loss_kwargs),
            "data_collator": class_name(trainer.data_collator),
            "padding_free": bool(getattr(trainer, "padding_free", False)),
            **_parallel(trainer, start),
        },
    )


def _parallel(trainer: Any, start: Start) -> dict[str, str | int]:
    """Return what spreads the model over several ranks; nothing where one process trains."""
    if start.case.parallel is None:
        return {}
    plugin = getattr(trainer.accelerator.state, "fsdp_plugin", None)
    policy = getattr(plugin, "mixed_precision_policy", None)
    kept = ("param_dtype", "reduce_dtype", "output_dtype")
    devices = {parameter.device for parameter in trainer.model.parameters()}
    return {
        "devices_with_weights": len(devices),
        **{
            f"fsdp_{name}": str(getattr(policy, name)).removeprefix("torch.")
            for name in kept
            if policy is not None
        },
        "parallel": class_name(trainer.model_wrapped),
        "distributed_type": str(trainer.accelerator.distributed_type.value),
    }


def of_parts(
    *,
    model: torch.nn.Module,
    optimizer: Any,
    driver: str,
    autocast: str | None,
    batch: Batch,
    start: Start,
    arguments: Any,
    others: dict[str, str | int | float | bool | None],
) -> Effective:
    """Return the settings of a model, an optimizer and what drives them, with its first batch.

    ``arguments`` are transformers' TrainingArguments, or what is made of them. Raises Unsupported
    when the batch is not laid out as the workload asks.
    """
    packing = layout(batch, start.case.workload.packing)
    if packing != start.case.workload.packing:
        raise Unsupported(
            f"{start.case.method.engine} with --loop {start.case.loop} on {start.device} turns"
            f" {start.case.workload.packing} rows into {packing}: not the case's workload"
        )
    trained: set[str] = set()
    size: Counter[str] = Counter()
    total = trainable = quantized = 0
    states = _quantization_states(model)
    for parameter in model.parameters():
        state = states.get(id(parameter))
        count = int(parameter.numel() if state is None else state.shape.numel())
        total += count
        name = str(parameter.dtype).removeprefix("torch.")
        size[name] += parameter.numel() * parameter.element_size()
        if parameter.requires_grad:
            trainable += count
            trained.add(name)
        if state is not None:
            quantized += count
    adapted = list(_adapted(model))
    return Effective(
        trainable_parameters=trainable,
        total_parameters=total,
        quantized_parameters=quantized,
        adapter_modules=len(adapted),
        adapter_targets=tuple(sorted({name.rpartition(".")[2] for name in adapted})),
        parameter_bytes=dict(size),
        trainable_dtypes=tuple(sorted(trained)),
        attention=_attention(model, flattened=packing != "none"),
        autocast=autocast,
        gradient_checkpointing=_gradient_checkpointing(model),
        loss_kernel=_loss_kernel(model),
        optimizer_class=_optimizer_class(optimizer),
        trainer_class=driver,
        packing=packing,
        device=str(next(model.parameters()).device),
        others=others
        | _adapter_settings(model)
        | {"inductor_cache_of_case": _inductor_cache_is(start.compiled)},
        arguments=all_arguments.of(arguments, model),
    )


def _inductor_cache_is(folder: str) -> bool:
    """Return whether Inductor would keep its kernels below the folder: engines move it."""
    place = os.environ.get("TORCHINDUCTOR_CACHE_DIR")
    return place is not None and Path(place).is_relative_to(Path(folder).absolute())


class AutocastWitness:
    """Looks at autocast from inside the first forward pass, where it takes effect.

    A trainer's own word is not enough: Unsloth's full fine-tuning switches its autocast off and
    wraps the model's forward pass in one of its own.
    """

    def __init__(self, model: Any, device: str) -> None:
        self._device = device
        self._seen: list[str | None] = []
        embeddings = model.get_input_embeddings()
        self._hook = embeddings.register_forward_pre_hook(self._look)

    def corrected(self, announced: Effective) -> Effective:
        """Return the settings with autocast as it was seen; call once, after the first step."""
        self._hook.remove()
        if not self._seen:
            return announced
        return msgspec.structs.replace(announced, autocast=self._seen[0])

    def _look(self, module: object, arguments: object) -> None:
        if not self._seen:
            self._seen.append(active_autocast(self._device))


def active_autocast(device: str) -> str | None:
    """Return the dtype of the autocast region around the caller, or None outside of one."""
    if not torch.is_autocast_enabled(device):
        return None
    return str(torch.get_autocast_dtype(device)).removeprefix("torch.")


def versions(device: str) -> Versions:
    """Return the packages that this process imported, and the device as torch names it."""
    packages = {}
    for module, distribution in PACKAGES.items():
        if module in sys.modules:
            try:
                packages[distribution] = metadata.version(distribution)
            except metadata.PackageNotFoundError:  # a package's stand-in, as Unsloth makes some
                continue
    others = imported.distributions(sys.modules, sys.path).items()
    return Versions(
        python=platform.python_version(),
        packages=packages,
        imported={name: v for name, v in sorted(others) if name not in packages},
        torch_cuda=torch.version.cuda,
        device_name=torch.cuda.get_device_name() if is_gpu(device) else None,
        cpu_threads=torch.get_num_threads(),
    )


def _quantization_states(model: torch.nn.Module) -> dict[int, Any]:
    """Return what quantized parameters stand for, by their ids.

    A packed parameter has it beside itself; where it is sharded, only its module still does.
    """
    found = {}
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            state = getattr(parameter, "quant_state", None)
            if state is None and name == "weight":
                state = getattr(module, "quant_state", None)
            if state is not None:
                found[id(parameter)] = state
    return found


def _adapted(model: torch.nn.Module) -> Iterator[str]:
    for name, module in model.named_modules():
        if len(getattr(module, "lora_A", {})):
            target = getattr(module, "parameter_name", None)
            yield f"{name}.{target}" if target else name


def _adapter_settings(model: torch.nn.Module) -> dict[str, str | float | bool]:
    """Return what the modules with adapters do beside their product; a list where they differ."""
    found: dict[str, set[float | bool]] = {}
    for module in model.modules():
        for name in getattr(module, "lora_A", ()):
            dropouts = dict(module.lora_dropout.items())
            values = {
                "adapter_scaling": float(module.scaling[name]),
                "adapter_dropout": float(getattr(dropouts.get(name), "p", 0.0)),
                "adapter_dora": name in module.lora_magnitude_vector,
            }
            for key, value in values.items():
                found.setdefault(key, set()).add(value)
    return {
        key: next(iter(values)) if len(values) == 1 else ", ".join(sorted(map(str, values)))
        for key, values in found.items()
    }


def _attention(model: torch.nn.Module, *, flattened: bool) -> str:
    """Return the attention implementation, Unsloth's own choice where its code runs.

    Unsloth's fast models leave the configuration as it was and choose for themselves.
    """
    dispatch = sys.modules.get("unsloth.utils.attention_dispatch")
    for name, module in model.named_modules():
        if dispatch is not None and name.endswith(".self_attn"):
            forward = getattr(module.forward, "__func__", module.forward)
            if getattr(forward, "__globals__", {}).get("select_attention_backend"):
                return f"unsloth: {dispatch.select_attention_backend(flattened)}"
    return str(getattr(model.config, "_attn_implementation", None))


def _gradient_checkpointing(model: torch.nn.Module) -> str:
    for module in model.modules():
        if isinstance(module, CheckpointWrapper):  # FSDP2's
            return class_name(module)
        # True, or Unsloth's name of a kind of checkpointing.
        if on := getattr(module, "gradient_checkpointing", False):
            function = getattr(module, "_gradient_checkpointing_func", None)
            name = "on" if function is None else _function_name(function)
            return f"{on}: {name}" if isinstance(on, str) else name
    return "none"


def _loss_kernel(model: Any) -> str:
    """Return the forward function that ends in the loss, without accelerate's wrapping."""
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    return _function_name(getattr(base, "_original_forward", base.forward))


def _function_name(function: Any) -> str:
    """Return a function's name, and where another package's code wears it, that code's too."""
    while hasattr(function, "func"):  # functools.partial
        function = function.func
    function = getattr(function, "__func__", function)  # a bound method's
    code = getattr(function, "__code__", None)
    name = str(getattr(function, "__qualname__", type(function).__qualname__))
    if code is None:
        return name
    claimed, real = str(function.__module__), str(function.__globals__["__name__"])
    worn = "" if claimed.partition(".")[0] == real.partition(".")[0] else f"{real}.{code.co_name}"
    return f"{claimed}.{name}" + (f", as {worn}" if worn else "")


def _optimizer_class(optimizer: Any) -> str:
    inner = getattr(optimizer, "optimizer", optimizer)  # accelerate wraps the optimizer
    kind = ["fused"] if any(group.get("fused") for group in inner.param_groups) else []
    # All of bitsandbytes' are of one class in transformers: what they are lies in settings.
    if (bits := getattr(getattr(inner, "args", None), "optim_bits", None)) is not None:
        kind += [f"{bits} bit"]
        kind += ["paged"] if inner.is_paged else []
    return class_name(inner) + (f" ({', '.join(kind)})" if kind else "")


def class_name(value: object) -> str:
    """Return the full name of a value's class."""
    return f"{type(value).__module__}.{type(value).__qualname__}"
