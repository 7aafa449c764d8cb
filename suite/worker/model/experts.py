"""How the experts of a mixture-of-experts model are computed: asked for, and seen to run.

Unsloth has two ways for gpt-oss in 4 bits: all experts of a layer in grouped matrix products, or
one after another in a Python loop, which starts some ten kernels for each. The loop was the only
way before unsloth_zoo of July 2026 (its pull request 862). Since then every forward pass takes
the grouped way where ``GptOssExpertsBnb4bit._grouped_bnb4bit_ready`` finds nothing against it:
the variable below is not "0", torch has grouped products for the device (it has none on a CPU),
and all experts are frozen and quantized alike. Whatever fails in it falls back to the loop
without a word, so neither the variable nor readiness proves which way ran.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from suite.catalog.method import Method
from suite.wire import Effective

VARIABLE = "UNSLOTH_GPTOSS_GROUPED"
_VALUES = {"grouped": "1", "loop": "0"}

#: Of variables that change how Unsloth computes experts. None is left as a user has set it: what
#: runs is what the case says, and defaults elsewhere.
PREFIXES = ("UNSLOTH_MOE_", "UNSLOTH_GPTOSS_", "UNSLOTH_GPT_OSS_")

#: Where unsloth_zoo counts the grouped passes that begin, and the dequantizations in them.
_LIBRARY = "unsloth_zoo.temporary_patches.gpt_oss_grouped_qlora"
_PASSES, _DEQUANTIZED = ("forward", "forward_fp16"), ("stacked_dequant", "bnb_fallback_dequant")

#: The paths that transformers' own experts take, by ``config._experts_implementation``.
_IMPLEMENTATIONS = {"grouped_mm": "grouped", "eager": "loop", "batched_mm": "batched"}


class Path(msgspec.Struct, frozen=True, kw_only=True):
    """``name``: "grouped", "loop" or "batched"; None is unknown. ``why``: what tells so."""

    name: str | None
    why: str


def choose(method: Method) -> None:
    """Set the variable as the method asks, and remove all others that would change the path.

    Before Unsloth is imported, and once more after: it sets none of them by then.
    """
    for name in [name for name in os.environ if name.startswith(PREFIXES)]:
        del os.environ[name]
    if method.experts != "engine":
        os.environ[VARIABLE] = _VALUES[method.experts]


class ExpertsWitness:
    """Tells from the running model, after its first step, which path its experts took."""

    def __init__(self, model: Any) -> None:
        self._experts = list(_experts(model))
        self._config = getattr(model, "config", None)
        self._before = _counts() or {}

    def corrected(self, announced: Effective) -> Effective:
        """Return the settings with the experts' path; call once, after the first step."""
        if not self._experts:
            return announced
        path = self.path()
        forwards = sorted({_forward_name(module) for module in self._experts})
        seen = {
            "experts_forward": ", ".join(forwards),
            "experts_path": path.name,
            "experts_path_seen_by": path.why,
        }
        return msgspec.structs.replace(announced, others=announced.others | seen)

    def path(self) -> Path:
        """Return the path of the passes since the witness was made."""
        if all(hasattr(module, "gate_up_projs") for module in self._experts):
            return self._one_by_one()
        modules = {type(module).__module__ for module in self._experts}
        called = {_code_module(module) for module in self._experts}
        name = getattr(self._config, "_experts_implementation", None)
        if called == {"transformers.integrations.moe"} and name in _IMPLEMENTATIONS:
            why = f"transformers' experts implementation {name}"
            return Path(name=_IMPLEMENTATIONS[name], why=why)
        return Path(name=None, why=f"not known of {', '.join(sorted(modules | called))}")

    def _one_by_one(self) -> Path:
        """Return the path of experts that are linear layers of their own, as Unsloth makes them.

        A layer that is not ready runs the loop, the only other way there is in training.
        """
        if not all(module.training for module in self._experts):
            return Path(name=None, why="the experts are not in training mode")
        ready = {_ready(module) for module in self._experts}
        if ready == {None}:
            return Path(name="loop", why="this unsloth_zoo has no other path")
        if ready == {False}:
            return Path(name="loop", why=f"no layer is ready for the grouped path{_hindrance()}")
        if ready != {True}:
            return Path(name=None, why="some layers are ready for the grouped path, some are not")
        counts = _counts()
        if counts is None:
            why = "ready for the grouped path, but this unsloth_zoo does not count its passes"
            return Path(name=None, why=why)
        return passed(self._before, counts, layers=len(self._experts))


def passed(before: Mapping[str, int], after: Mapping[str, int], *, layers: int) -> Path:
    """Return the path of one step in which every layer was ready for the grouped one.

    ``before`` and ``after`` are unsloth_zoo's counts. Every layer begins at least one grouped
    pass, and each dequantizes the experts of both projections, once more each where its backward
    pass does so anew. A pass that failed in its last part would still be counted as good.
    """
    moved = {name: count - before.get(name, 0) for name, count in after.items()}
    begun = sum(moved[name] for name in _PASSES)
    dequantized = sum(moved[name] for name in _DEQUANTIZED)
    declined = moved.get("declined", 0)
    if declined and not begun:
        reason = getattr(sys.modules.get(_LIBRARY), "LAST_DECLINE", {}).get("reason")
        return Path(name="loop", why=f"the grouped path declined: {reason or 'no reason given'}")
    said = f"{begun} grouped passes through {layers} layers in the first step"
    if begun < layers or declined or dequantized < 2 * begun:
        said += f", {dequantized} dequantizations, {declined} declined: not all of them ended well"
        return Path(name=None, why=said)
    return Path(name="grouped", why=said)


def _experts(model: Any) -> Iterator[Any]:
    """Yield the module of each layer that holds all its experts, adapters' wrappers removed."""
    for name, module in model.named_modules():
        if name.rpartition(".")[2] == "experts":
            while hasattr(module, "base_layer"):
                module = module.base_layer
            yield module


def _ready(module: Any) -> bool | None:
    """Return whether a layer takes the grouped path; None where its class knows of none."""
    decide = getattr(module, "_grouped_bnb4bit_ready", None)
    return None if decide is None else bool(decide())


def _counts() -> dict[str, int] | None:
    """Return unsloth_zoo's counts of grouped passes so far; None where it has none."""
    found = getattr(sys.modules.get(_LIBRARY), "CALLS", {})
    return dict(found) if set(_PASSES + _DEQUANTIZED) <= set(found) else None


def _hindrance() -> str:
    """Return why layers are not ready where that is one of the two likely reasons."""
    if os.environ.get(VARIABLE) == "0":
        return f": {VARIABLE}=0"
    utilities = sys.modules.get("unsloth_zoo.temporary_patches.moe_utils")
    if getattr(utilities, "_TORCH_GROUPED_MM_SUPPORTED", None) is False:
        return ": torch has no grouped products for this device"
    return ""


def _forward(module: Any) -> Any:
    function = module.forward
    return getattr(function, "__func__", function)


def _code_module(module: Any) -> str:
    """Return the module whose code runs, whatever name it wears."""
    return str(getattr(_forward(module), "__globals__", {}).get("__name__", "unknown"))


def _forward_name(module: Any) -> str:
    function = _forward(module)
    code = getattr(function, "__code__", None)
    name = str(getattr(function, "__qualname__", type(function).__qualname__))
    real = f"{_code_module(module)}.{getattr(code, 'co_name', name)}"
    claimed = f"{getattr(function, '__module__', 'unknown')}.{name}"
    same = claimed.partition(".")[0] == real.partition(".")[0]
    return claimed if same else f"{claimed}, as {real}"
