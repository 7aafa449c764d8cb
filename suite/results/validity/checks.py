"""Truth checks: was the work done that the case asked for? Pure, from what the worker reported.

A failed check makes a record ``invalid``: its numbers would mislead. What may rightly differ from
the request is named in the check's own words and passes.
"""

import math
import statistics
from collections.abc import Iterable

from suite import units
from suite.catalog import families, parameters
from suite.catalog.case import Case
from suite.catalog.optimizers import OPTIMIZERS
from suite.catalog.targets import PLACES
from suite.results.record import Check
from suite.results.samples import operations
from suite.wire import Effective, Probe, Step


def check(case: Case, effective: Effective | None, steps: tuple[Step, ...]) -> tuple[Check, ...]:
    """Return every truth check of one case, in a fixed order.

    ``effective`` is None when the case ended before its settings could be read.
    """
    losses = _finite_losses(steps)
    if effective is None:
        why = "the case ended before the running model's settings were read"
        unknown = [Check(name=name, status="unknown", detail=why) for name in _SETTINGS]
        return (*unknown, losses)
    settings = [
        _trainable(case, effective),
        _total(case, effective),
        _adapters(case, effective),
        _adapter_settings(case, effective),
        _quantized(case, effective),
        _attention(case, effective),
        _autocast(case, effective),
        _optimizer(case, effective),
        _clipping(case, effective),
        _gradient_checkpointing(case, effective),
        _liger(case, effective),
        _experts(case, effective),
    ]
    return (*settings, losses)


def possible(case: Case, steps: tuple[Step, ...], probe: Probe | None) -> Check:
    """Return whether the steady steps computed no faster than this device multiplies matrices.

    The count of operations is a lower bound (``suite.catalog.flops``), so more than the probe's
    rate means that work was left out, or that a clock is wrong.
    """
    name = "possible speed"
    steady = [step for step in steps if step.role == "steady"]
    counts = operations(case, steady)
    if probe is None or not counts:
        why = "no matrix product was measured" if probe is None else "no steady step was measured"
        return Check(name=name, status="unknown", detail=why)
    # Each step by its own seconds: in their mean one long wait would hide that all others are
    # too short.
    rate = statistics.median(
        count / step.seconds for count, step in zip(counts, steady, strict=True)
    )
    share = rate / probe.matmul_flops_per_second / case.gpus
    text = f"{units.scaled(rate, 'FLOP/s')}, {units.percent(share)} of the measured peak"
    return _verdict(name, share <= 1, text)


_SETTINGS = (
    "trainable parameters",
    "total parameters",
    "adapters",
    "adapter settings",
    "quantized share",
    "attention",
    "autocast",
    "optimizer",
    "gradient clipping",
    "gradient checkpointing",
    "liger kernels",
    "experts",
)


def _verdict(name: str, good: bool, detail: str) -> Check:
    return Check(name=name, status="ok" if good else "failed", detail=detail)


def _counted(name: str, found: int, expected: int, what: str) -> Check:
    if found == expected:
        return _verdict(name, True, f"{units.count(found)} {what}, as computed")
    return _verdict(
        name, False, f"{units.count(found)} {what}, but {units.count(expected)} expected"
    )


def _trainable(case: Case, effective: Effective) -> Check:
    expected = parameters.expected_trainable(case.model, case.method)
    found = effective.trainable_parameters
    return _counted("trainable parameters", found, expected, "parameters are trained")


def _total(case: Case, effective: Effective) -> Check:
    expected = case.model.parameters
    if case.method.adapter is not None:
        expected += parameters.expected_trainable(case.model, case.method)
    found = effective.total_parameters
    return _counted("total parameters", found, expected, "parameters, adapters included")


def _adapters(case: Case, effective: Effective) -> Check:
    name, adapter, layers = "adapters", case.method.adapter, case.model.architecture.layers
    carriers = set(effective.adapter_targets)
    number = effective.adapter_modules
    if adapter is None:
        return _verdict(name, number == 0, f"{number} modules carry an adapter; none should")
    targets = set(parameters.adapter_targets(case.model, adapter))
    allowed = [(targets, layers * len(targets))]
    experts = case.model.architecture.experts
    if PLACES[adapter.targets].experts and experts is not None:
        # Where every expert is a module of its own, names end in the expert's number.
        attention = {target for target in targets if target not in ("gate_up_proj", "down_proj")}
        numbers = {str(expert) for expert in range(experts.count)}
        allowed.append((attention | numbers, layers * (len(attention) + 2 * experts.count)))
    text = f"{number} modules carry an adapter ({_listed(carriers)})"
    if (carriers, number) in allowed:
        return _verdict(name, True, f"{text}, as the case says, in {layers} layers")
    return _verdict(name, False, f"{text}; expected {layers * len(targets)} ({_listed(targets)})")


def _adapter_settings(case: Case, effective: Effective) -> Check:
    name, adapter = "adapter settings", case.method.adapter
    if adapter is None:
        return _verdict(name, True, "there are no adapters")
    asked = {
        "adapter_scaling": adapter.scaling,
        "adapter_dropout": adapter.dropout,
        "adapter_dora": adapter.use_dora,
    }
    found = {key: effective.others.get(key) for key in asked}
    if None in found.values():
        return Check(name=name, status="unknown", detail="the running adapters do not say them")
    scaling, dropout, dora = found.values()
    said = f"scaling {scaling}, dropout {dropout}, {'with' if dora else 'without'} DoRA"
    if found == asked:
        return _verdict(name, True, f"{said}, as asked")
    wanted = f"scaling {adapter.scaling}, dropout {adapter.dropout}"
    return _verdict(name, False, f"{said}; asked for: {wanted}, DoRA {adapter.use_dora}")


def _quantized(case: Case, effective: Effective) -> Check:
    name, quantized = "quantized share", effective.quantized_parameters
    if case.method.quantization is None:
        return _counted(name, quantized, 0, "parameters are stored in 4 bits")
    expected = parameters.quantizable_parameters(case.model)
    share = f"{quantized / case.model.parameters:.1%} of the model"
    if quantized == expected:
        return _verdict(name, True, f"{units.count(quantized)} parameters in 4 bits, {share}")
    left = units.count(abs(expected - quantized))
    differ = (
        f"{left} that should be in 4 bits are not" if quantized < expected else f"{left} too many"
    )
    experts = case.model.architecture.experts is not None and quantized < expected
    hint = "; the experts were probably left in 16 bits" if experts else ""
    detail = f"{units.count(quantized)} parameters in 4 bits, {share}: {differ}{hint}"
    return _verdict(name, False, detail)


def _attention(case: Case, effective: Effective) -> Check:
    name, asked, found = "attention", case.method.attention, effective.attention
    if asked == "engine":
        return _verdict(name, True, f"the engine chose {found}")
    if found == asked:
        return _verdict(name, True, f"{found}, as asked")
    why = families.of(case.model.family).no_sdpa
    if asked == "sdpa" and found == "eager" and why:
        return _verdict(name, True, f"eager instead of sdpa; {why}")
    return _verdict(name, False, f"{asked} was asked for, {found} runs")


def _autocast(case: Case, effective: Effective) -> Check:
    asked = "bfloat16" if case.method.autocast else None
    found = effective.autocast
    said = f"the forward pass runs under {found} autocast" if found else "no autocast"
    if found == asked:
        return _verdict("autocast", True, f"{said}, as asked")
    # FSDP2 has no autocast: it hands each layer weights and inputs of the type to compute in.
    if asked is not None and effective.others.get("fsdp_param_dtype") == asked:
        return _verdict("autocast", True, f"FSDP2 computes in {asked} by its own policy, as asked")
    return _verdict("autocast", False, f"{said}; asked for: {asked or 'none'}")


def _optimizer(case: Case, effective: Effective) -> Check:
    asked, found = case.method.optimizer.name, effective.optimizer_class
    kind, said = OPTIMIZERS[asked], f"{asked} asked, {found} runs"
    if kind.runs(found) and kind.paged and effective.device == "cpu":
        said += "; on a CPU its state is ordinary host memory, which needs no paging"
    return _verdict("optimizer", kind.runs(found), said)


def _clipping(case: Case, effective: Effective) -> Check:
    name, asked = "gradient clipping", case.method.optimizer.max_gradient_norm
    found = effective.arguments.get("trainer.max_grad_norm")
    if found is None:
        return Check(name=name, status="unknown", detail="the trainer does not say its norm")
    return _verdict(name, found == asked, f"at norm {found}, asked for: {asked}")


def _gradient_checkpointing(case: Case, effective: Effective) -> Check:
    name = "gradient checkpointing"
    asked, found = case.method.gradient_checkpointing, effective.gradient_checkpointing
    said = f"{asked} asked, {found} runs"
    if (asked == "none") != (found == "none"):
        return _verdict(name, False, said)
    if asked == "unsloth" and "unsloth" not in found:
        if effective.device == "cpu":
            return _verdict(name, True, f"{said}: Unsloth's own is for GPUs only")
        return Check(name=name, status="unknown", detail=f"{said}: it is on, but not by that name")
    return _verdict(name, True, said)


def _liger(case: Case, effective: Effective) -> Check:
    name, found = "liger kernels", effective.others.get("use_liger_kernel")
    if found is None:
        why = "the trainer does not say whether they are on"
        return Check(name=name, status="unknown", detail=why)
    said = "on" if found else "off"
    good = bool(found) == case.method.liger
    return _verdict(name, good, f"{said}, as asked" if good else f"{said}, not as asked")


def _experts(case: Case, effective: Effective) -> Check:
    name, asked = "experts", case.method.experts
    if case.model.architecture.experts is None:
        return _verdict(name, True, "the model has none")
    path = effective.others.get("experts_path")
    why = effective.others.get("experts_path_seen_by") or "nothing was seen of their path"
    if asked == "engine":
        text = f"the engine chose {path}" if path else "the engine's choice is not known"
        return _verdict(name, True, f"{text}: {why}")
    if path is None:
        return Check(name=name, status="unknown", detail=f"{asked} was asked for: {why}")
    if path == asked:
        return _verdict(name, True, f"{path}, as asked: {why}")
    return _verdict(name, False, f"{asked} was asked for, {path} runs: {why}")


def _finite_losses(steps: tuple[Step, ...]) -> Check:
    name = "finite losses"
    if not steps:
        return Check(name=name, status="unknown", detail="no step was measured")
    bad = [step for step in steps if step.loss is None or not math.isfinite(step.loss)]
    if not bad:
        return _verdict(name, True, f"all {len(steps)} losses are finite")
    first = bad[0]
    value = first.loss_text or "missing"
    detail = (
        f"{len(bad)} of {len(steps)} losses are not finite; first: {value} at step {first.index}"
    )
    return _verdict(name, False, detail)


def _listed(targets: Iterable[str]) -> str:
    ordered = sorted(targets)
    if len(ordered) > 8:
        ordered = [*ordered[:8], f"and {len(ordered) - 8} more"]
    return ", ".join(ordered) or "none"
