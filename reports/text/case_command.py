"""The command line that measures one case again, on whatever GPU it is typed."""

import shlex
from collections.abc import Sequence
from functools import cache

import msgspec

from suite.catalog import case as cases
from suite.catalog import profile as profiles
from suite.catalog import tier as tiers
from suite.catalog.case import SEED, Case, work_key
from suite.catalog.loops import Loop
from suite.catalog.parallel import Parallel
from suite.errors import BadInput
from suite.results.plan import Plan
from suite.results.record import Record


def case_command(record: Record, plan: Plan | None) -> str:
    """Return ``./tunebench run --models M --methods X --tier T`` for a record's case alone.

    Further options stand where they differ from what a run does by itself. Empty where no tier of
    the catalog has this very case any more, or it is not known which weights it had.
    """
    weights = "dummy" if plan is None and record.weights.startswith("dummy") else ""
    weights = weights if plan is None else plan.weights
    names = tuple(tiers.names()) if plan is None else (plan.tier,)
    spread = record.case.parallel
    # A tier that has the case by itself needs no option that spreads all of it over GPUs.
    ways = [(name, each) for name in names for each in dict.fromkeys((None, spread))]
    for name, parallel in ways if weights else ():
        launches, others = _cases(name, record.model, record.method, record.case.loop, parallel)
        if any(_same(each, record) for each in others):
            words = _words(record, name, parallel, alone=len(others) == 1)
            if plan is not None and plan.launches != launches:
                words += ["--launches", str(plan.launches)]
            return shlex.join(words if weights == "dummy" else [*words, "--weights", weights])
    return ""


def _same(case: Case, record: Record) -> bool:
    if case.case_id != record.case_id:
        return False
    return work_key(msgspec.structs.replace(case, seed=record.case.seed)) == record.work_key


@cache
def _cases(
    tier: str, model: str, method: str, loop: Loop, parallel: Parallel | None
) -> tuple[int, Sequence[Case]]:
    """Return a tier's repeats, and its cases of one model and method, with the usual seed.

    There are none where the catalog has not all of it.
    """
    try:
        found = tiers.load(tier)
        of_both = cases.cases(
            found,
            loop=loop,
            seed=SEED,
            model_names=[model],
            method_names=[method],
            parallel=parallel,
        )
    except BadInput:
        return 1, ()
    return found.launches, of_both


def _words(record: Record, tier: str, parallel: Parallel | None, *, alone: bool) -> list[str]:
    words = ["./tunebench", "run", "--models", record.model, "--methods", record.method]
    words += ["--tier", tier]
    if parallel is not None:
        words += ["--gpus", str(parallel.gpus), "--parallel", parallel.kind]
    if not alone:
        words += ["--cases", record.case_id]
    profile = record.hardware or profiles.known(record.profile)
    if profile is not None and not profile.has_gpu:
        words += ["--profile", profile.name]
    if profile is None or record.case.loop != profile.default_loop:
        words += ["--loop", record.case.loop]
    if record.case.seed != SEED:
        words += ["--seed", str(record.case.seed)]
    return words
