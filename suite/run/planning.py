"""Make the plan of a run from what was asked for."""

import secrets
from collections.abc import Sequence
from pathlib import Path

from suite import __version__
from suite.catalog import case as cases
from suite.catalog import tier as tiers
from suite.catalog.loops import Loop
from suite.catalog.parallel import Parallel
from suite.catalog.profile import Profile
from suite.errors import BadInput, did_you_mean
from suite.results.plan import MOST_RECORDS
from suite.results.record import Runner
from suite.results.storage.run_folder import PLAN, Plan
from suite.run import utc

RUNS = Path("runs")
SEED = cases.SEED


def make(
    profile: Profile,
    *,
    tier: str | None = None,
    loop: Loop | None = None,
    launches: int | None = None,
    seed: int = SEED,
    weights: str = "dummy",
    runner: Runner = "local",
    models: Sequence[str] = (),
    methods: Sequence[str] = (),
    case_ids: Sequence[str] = (),
    parallel: Parallel | None = None,
    argv: Sequence[str] = (),
    task: str | None = None,
) -> Plan:
    """Return the plan; None means what the profile or the tier says, no ids all cases.

    Raises BadInput for unknown names, weights that are no folder, a plan without cases and one
    of more records than a run may have.
    """
    chosen = tiers.load(tier or profile.default_tier)
    loop = loop or profile.default_loop
    found = cases.cases(
        chosen,
        loop=loop,
        seed=seed,
        model_names=models,
        method_names=methods,
        parallel=parallel,
    )
    if not found:
        raise BadInput(f"tier {chosen.name!r} has no case for these models and methods")
    known = [case.case_id for case in found]
    for case_id in case_ids:
        if case_id not in known:
            raise BadInput(f"unknown case {case_id!r}", hint=did_you_mean(case_id, known))
    found = [case for case in found if not case_ids or case.case_id in case_ids]
    launches = launches or chosen.launches
    if len(found) * launches > MOST_RECORDS:
        raise BadInput(
            f"{len(found)} cases in {launches:,} repeats: a session has {MOST_RECORDS:,} results"
            " at most"
        )
    now = utc.now()
    return Plan(
        run_id=f"{utc.stamp(now)}-{secrets.token_hex(4)}",
        created_at=utc.iso(now),
        suite_version=__version__,
        profile=profile.name,
        tier=chosen.name,
        launches=launches,
        loop=loop,
        seed=seed,
        weights=_weights(weights),
        runner=runner,
        cases=tuple(found),
        argv=tuple(argv),
        task=task,
    )


def newest(runs: Path = RUNS) -> Path:
    """Return the newest run of a folder, by name; raises BadInput when there is none."""
    found = sorted(path.parent for path in runs.glob(f"*/{PLAN}"))
    if not found:
        raise BadInput(
            f"no session in {runs.absolute()} to go on with", hint="Give its folder: --resume DIR"
        )
    return found[-1]


def _weights(text: str) -> str:
    if text in ("dummy", "hub"):
        return text
    folder = Path(text)
    if not (folder / "config.json").is_file():
        raise BadInput(
            f"weights {text!r}: not dummy (random weights), not hub, and no checkpoint folder",
            hint="A checkpoint folder has config.json and the weights.",
        )
    return str(folder.resolve())
