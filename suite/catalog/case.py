"""Cases: a model, a method and a workload, ready to run; and which of them make sense."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from suite.catalog import families, toml
from suite.catalog import method as methods
from suite.catalog import model as models
from suite.catalog import work_key as keys
from suite.catalog.bounds import Count, Positive
from suite.catalog.engines import ENGINES
from suite.catalog.loops import Loop
from suite.catalog.method import Method
from suite.catalog.model import Model
from suite.catalog.names import CaseId
from suite.catalog.parallel import Parallel, refused
from suite.catalog.profile import Profile, no_bfloat16
from suite.catalog.targets import PLACES
from suite.catalog.tier import Tier, Timeouts, Warmup, Workload
from suite.errors import BadInput

T = TypeVar("T")

SHORT_STEP_SECONDS = 1.0
SEED = 17  #: of a case, unless another is asked for


class Case(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that decides the work of one measurement, and nothing about the machine.

    ``case_id`` is ``model-method`` or ``model-method-suffix`` and never holds the GPU's name, so
    the same id compares across GPUs. On several GPUs, how it is spread over them ends the id.
    """

    case_id: CaseId
    model: Model
    method: Method
    workload: Workload
    loop: Loop
    seed: Count
    steady_steps: Positive
    steady_steps_if_short: Positive | None = None  #: see ``Tier``; null in older records
    warmup: Warmup
    timeouts: Timeouts

    @property
    def parallel(self) -> Parallel | None:
        """Return how it is spread over several GPUs; None on one."""
        return self.workload.parallel

    @property
    def gpus(self) -> int:
        """Return how many GPUs it trains on; on the CPU, how many processes."""
        return 1 if self.parallel is None else self.parallel.gpus

    @property
    def ranks(self) -> int:
        """Return how many processes train together, each on rows of its own."""
        return self.workload.ranks

    @property
    def most_steady_steps(self) -> int:
        """Return how many steady steps there are at most."""
        short = None if self.workload.varies else self.steady_steps_if_short
        return max(self.steady_steps, short or 0)

    @property
    def most_warmup_steps(self) -> int:
        """Return how many steps warm-up takes at most, the first step not counted."""
        return self.steady_steps if self.workload.varies else self.warmup.max_steps

    def steady_steps_at(self, step_seconds: float) -> int:
        """Return how many steady steps there are where a step takes so long after warm-up."""
        short = step_seconds < SHORT_STEP_SECONDS and not self.workload.varies
        return self.steady_steps_if_short or self.steady_steps if short else self.steady_steps


def cases(
    tier: Tier,
    *,
    loop: Loop,
    seed: int,
    model_names: Sequence[str] = (),
    method_names: Sequence[str] = (),
    parallel: Parallel | None = None,
    lenient: bool = False,
) -> list[Case]:
    """Return a tier's cases in the tier's order; empty names mean the tier's own.

    ``parallel`` replaces what the tier's workloads say of GPUs; None leaves it. Cases that it
    makes the same are one.

    Names given explicitly need not be in the tier: its workload is used for them.
    Raises BadInput for unknown names and for a workload longer than the model's positions.
    ``lenient``: of the tier's own models and methods, those whose file is bad are left out.
    """
    found = []
    for model in _loaded(model_names, tier.models, models.load, lenient):
        for method in _loaded(method_names, tier.methods, methods.load, lenient):
            plain = tier.by_model.get(model.name, tier.workload)
            spread = _spread(plain, parallel)
            found.append(make(tier, model, method, spread, tier.suffix, loop, seed))
    for variant in tier.variants:
        work, suffix = _spread(variant.workload, parallel), variant.suffix
        theirs = variant.models or tier.models
        for model in _loaded(model_names, theirs, models.load, lenient):
            if variant.models and model.name not in variant.models:
                continue
            own = variant.methods or tier.methods
            for method in _loaded(method_names, own, methods.load, lenient):
                if not variant.methods or method.name in variant.methods:
                    found.append(make(tier, model, method, work, suffix, loop, seed))
    return list({each.case_id: each for each in found}.values())


def _spread(work: Workload, parallel: Parallel | None) -> Workload:
    return work if parallel is None else msgspec.structs.replace(work, parallel=parallel)


def _loaded(
    given: Sequence[str], own: Sequence[str], load: Callable[[str], T], lenient: bool
) -> list[T]:
    """Return what was named, or else the tier's own; of these, perhaps only the good ones."""
    if lenient and not given:
        return toml.every(own, load)
    return [load(name) for name in given or own]


def make(
    tier: Tier,
    model: Model,
    method: Method,
    work: Workload,
    suffix: str | None,
    loop: Loop,
    seed: int,
) -> Case:
    """Return one case with a tier's steps, warm-up and time-outs; ``suffix`` ends its id.

    Behind it comes how the workload is spread over GPUs.

    Raises BadInput for rows longer than the model's positions.
    """
    if work.sequence_tokens > model.architecture.max_positions:
        raise BadInput(
            f"tier {tier.name!r}: sequence_tokens = {work.sequence_tokens} exceeds the"
            f" {model.architecture.max_positions} positions of {model.name}"
        )
    spread = None if work.parallel is None else work.parallel.suffix
    return Case(
        case_id="-".join(filter(None, (model.name, method.name, suffix, spread))),
        model=model,
        method=method,
        workload=work,
        loop=loop,
        seed=seed,
        steady_steps=tier.steady_steps,
        steady_steps_if_short=tier.steady_steps_if_short,
        warmup=tier.warmup,
        timeouts=tier.timeouts,
    )


def unsupported_reason(case: Case, profile: Profile | None = None) -> str | None:
    """Return why no library here can run this case, or None. Such a case becomes a record.

    With a profile, why its GPU cannot run it comes first.
    """
    if profile is not None and (reason := no_bfloat16(profile.compute_capability)):
        # There is no method yet that computes in anything else.
        return f"{case.method.name} computes in bfloat16; {reason}"
    method, architecture = case.method, case.model.architecture
    if architecture.experts is not None:
        quantizes = ENGINES[method.engine].quantizes_experts
        if method.quantization is not None and not quantizes:
            return (
                "transformers 5 keeps a model's experts as fused parameters that bitsandbytes"
                " leaves unquantized (bitsandbytes issue 1849), so this would not be QLoRA"
            )
    elif method.adapter is not None and PLACES[method.adapter.targets].experts:
        return f"{case.model.name} has no experts to attach adapters to"
    family = families.of(case.model.family)
    if method.experts != "engine" and not family.unsloth_splits_experts:
        if architecture.experts is None:
            return f"{case.model.name} has no experts to compute one by one"
        return "Unsloth can compute experts one by one or grouped for gpt-oss alone"
    if case.workload.packing != "none" and family.no_packing:
        return family.no_packing
    if (no_variant := _no_variant(case)) is not None:
        return no_variant
    only = ENGINES[method.engine].cpu_optimizer
    if profile is not None and not profile.has_gpu and only not in (None, method.optimizer.name):
        return f"Unsloth runs {only} in place of {method.optimizer.name} where there is no GPU"
    return _not_parallel(case, profile)


def _no_variant(case: Case) -> str | None:
    """Return why PEFT cannot do to fused experts what it does to linear layers, or None."""
    method, experts = case.method, case.model.architecture.experts
    if method.adapter is None or experts is None or not PLACES[method.adapter.targets].experts:
        return None
    splits = families.of(case.model.family).unsloth_splits_experts
    if splits and method.quantization is not None and ENGINES[method.engine].quantizes_experts:
        return None  # each expert is a linear layer there
    if method.adapter.use_dora or method.adapter.dropout:
        asked = "DoRA" if method.adapter.use_dora else "dropout"
        return f"PEFT has no {asked} for adapters on experts that are one fused parameter"
    return None


def _not_parallel(case: Case, profile: Profile | None) -> str | None:
    if case.parallel is None:
        return None
    if case.parallel.kind == "split" and profile is not None and not profile.has_gpu:
        return "layers are split over GPUs, and there is none"
    return refused(case.parallel, case.method, case.loop)


def work_key(case: Case) -> str:
    """Return the digest of what must be equal for two rows to be the same work."""
    adapter = case.method.adapter
    return keys.work_key(case.model.architecture, case.workload, adapter, case.seed)
