"""``tunebench probe``: how long rows, or how many, this machine really holds."""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

import msgspec

from suite import units
from suite.arguments import Parser, path, positive
from suite.catalog import case as cases
from suite.catalog import method as methods
from suite.catalog import model as models
from suite.catalog import tier as tiers
from suite.catalog.case import Case
from suite.catalog.names import Name
from suite.catalog.profile import Profile
from suite.catalog.tier import Warmup, Workload
from suite.console import tables
from suite.errors import EXIT_CASES, EXIT_OK, BadInput
from suite.estimate import memory
from suite.estimate.largest_fit import Axis, Frontier, axis_bound, frontier, grown
from suite.paths import RESULTS
from suite.results.memory.fits_card import card_bytes
from suite.results.plan import TRY
from suite.results.record import Record
from suite.results.storage.folder import open_folder, writing
from suite.results.storage.run_folder import PLAN, create, open_run, read
from suite.results.validity.failed import why
from suite.run.planning import SEED
from suite.run.search import Search
from suite.signals import Signals

#: What is looked for, in the folder: a later call goes on with it. No ".json": it is no result.
ASKED = "probe.plan"
TRIES = 16
#: As few steps as a record can have: the first, and three that find the optimizer's state there.
FEW = Warmup(window_steps=1, tolerance=0.99, max_steps=2)
STEPS: dict[Axis, int] = {"sequence_tokens": 256, "batch_sequences": 1}
NOUNS: dict[Axis, tuple[str, str]] = {
    "sequence_tokens": ("token", "a row"),
    "batch_sequences": ("row", "a batch"),
}


class ProbeRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one folder looks for: a case, and the axis of its workload that is grown."""

    case: Case
    axis: Axis
    profile: Name
    weights: str
    search: Search


def parser() -> Parser:
    """Return the arguments of this verb."""
    made = Parser(
        "probe",
        "Find the longest rows, or the most, that train on this machine: by trying, each\n"
        "time in a process of its own, doubled and then halved, beginning near the\n"
        "estimate of fit. Out of memory is an answer; anything else that fails ends the\n"
        "search. Every try is a session of its own. Runs here, not in containers.",
        [
            ("./tunebench probe --model qwen3-8b --method qlora --max-seq", "batches of 1"),
            ("./tunebench probe --model qwen3-8b --method lora --seq 4096", "how many rows"),
            ("./tunebench report runs/probe-TIME --out site", "as a page"),
        ],
    )
    add = made.add_argument
    add("--model", required=True, metavar="NAME", help="one model")
    add("--method", required=True, metavar="NAME", help="one method")
    add("--max-seq", action="store_true", help="how long rows may be (--batch of them)")
    add("--max-batch", action="store_true", help="how many rows of --seq tokens (the default)")
    add("--seq", type=positive, metavar="N", help="tokens a row (default: 2048)")
    add("--batch", type=positive, metavar="B", help="rows a batch, with --max-seq (default: 1)")
    add("--start", type=positive, metavar="N", help="the first try (default: from the estimate)")
    add("--step", type=positive, metavar="N", help="how exactly (default: 256 tokens, 1 row)")
    add("--tries", type=positive, default=TRIES, metavar="N", help=f"at most (default: {TRIES})")
    add("--profile", default="auto", metavar="NAME", help="hardware profile")
    add("--weights", default="dummy", metavar="W", help="dummy (random, default), hub, or PATH")
    add("--out", type=path, metavar="DIR", help="results (default: runs/probe-TIME); goes on")
    return made


def run(args: argparse.Namespace, signals: Signals) -> int:
    """Try until the edge is known, and say where it is; the records are in the folder."""
    from suite.run import planning
    from suite.run.machine.environment import resolve_profile
    from suite.run.machine.installed import training_packages

    profile = resolve_profile(args.profile)
    asked = _asked(args, profile)
    stamp = planning.make(profile, models=[args.model]).run_id.partition("-")[0]
    folder: Path = args.out or planning.RUNS / f"probe-{stamp}"
    _claim(folder, asked)
    training_packages()
    try:
        tried, stopped, more = _search(folder, asked, profile, args.tries, signals)
    except KeyboardInterrupt:
        print(f"tunebench: tries are safe in {folder}; --out {folder} goes on", file=sys.stderr)
        raise
    _say(folder, asked, tried, stopped, more=more)
    _compare(asked, profile)
    return EXIT_CASES if stopped else EXIT_OK


def _search(
    folder: Path, asked: ProbeRequest, profile: Profile, most_tries: int, signals: Signals
) -> tuple[dict[int, bool], str, bool]:
    """Try until the edge is known, or no further try makes sense; say whether one was left."""
    while True:
        tried, stopped = _tried(folder, asked)
        value = asked.search.following(tried)
        if value is None or stopped or len(tried) >= most_tries:
            return tried, stopped, value is not None
        print(f"\ntry {len(tried) + 1}: {_amount(asked, value)}", flush=True)
        _try(folder, asked, profile, value, signals)


def _asked(args: argparse.Namespace, profile: Profile) -> ProbeRequest:
    if args.max_seq and args.max_batch:
        raise BadInput("--max-seq and --max-batch: one at a time")
    axis: Axis = "sequence_tokens" if args.max_seq else "batch_sequences"
    given, option = (args.seq, "--seq") if args.max_seq else (args.batch, "--batch")
    if given is not None:
        raise BadInput(f"{option} is what is looked for: leave it away, or give --start")
    model, method = models.load(args.model), methods.load(args.method)
    tier = tiers.load("standard")
    positions = model.architecture.max_positions
    workload = Workload(
        sequence_tokens=1 if args.max_seq else args.seq or min(2048, positions),
        batch_sequences=args.batch or 1,
    )
    models.refuse_beyond(model, workload.sequence_tokens, "--seq")
    if args.max_seq and args.start:
        models.refuse_beyond(model, args.start, "--start")
    few = msgspec.structs.replace(tier, steady_steps=1, steady_steps_if_short=None, warmup=FEW)
    case = cases.make(few, model, method, workload, None, profile.default_loop, SEED)
    reason = cases.unsupported_reason(case, profile)
    if reason is not None:
        raise BadInput(f"{model.name} with {method.name} cannot be run: {reason}")
    bound = axis_bound(case, axis)
    step = min(args.step or STEPS[axis], bound)
    start = args.start or _estimated(case, axis, profile).surely or step
    search = Search(start=min(start, bound), step=step, bound=bound)
    return ProbeRequest(
        case=case, axis=axis, profile=profile.name, weights=args.weights, search=search
    )


def _estimated(case: Case, axis: Axis, profile: Profile) -> Frontier:
    """Return what ``fit`` says of this machine, by the published records."""
    return frontier(memory.fit_memory(read([RESULTS]).records), case, axis, profile)


def _compare(asked: ProbeRequest, profile: Profile) -> None:
    """Say what the estimate had been, where the machine's memory is known."""
    if card_bytes(profile) is None:
        return
    found = _estimated(asked.case, asked.axis, profile)
    surely, perhaps = map(found.text, (found.surely, found.perhaps))
    tables.say(f"Estimated by fit, rounded down: fits to {surely}, may fit to {perhaps}.")


def _claim(folder: Path, asked: ProbeRequest) -> None:
    """Make the folder, unless it is there and looks for the same."""
    note = folder / ASKED
    if note.is_file():
        try:
            with open_folder(folder) as opened:
                opened.refuse_strangers()
                known = msgspec.json.decode(opened.read(ASKED), type=ProbeRequest)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise BadInput(f"{note}: {error}", hint="Give another --out.") from error
        # Where the estimate would begin today does not matter to a search that has begun.
        same = msgspec.structs.replace(known, search=asked.search)
        if same != asked or known.search.step != asked.search.step:
            raise BadInput(f"{folder}: another probe", hint="Give another --out.")
        return
    with writing(note), open_folder(folder, make=True) as opened:
        if set(opened.names()) - {f".{ASKED}.part"}:  # of a call that was killed here
            raise BadInput(f"{folder}: not empty, and no probe", hint="Give another --out.")
        opened.write(ASKED, msgspec.json.format(msgspec.json.encode(asked), indent=1) + b"\n")


def _try(
    folder: Path, asked: ProbeRequest, profile: Profile, value: int, signals: Signals
) -> None:
    """Make the record of one value; a try that was cut off is taken up again."""
    from suite.run import planning
    from suite.run.progress.choose import reporter
    from suite.run.pytest_front.drive import run_launch

    place = folder / _name(asked, value)
    if (place / PLAN).is_file():
        opened = open_run(place, weights=asked.weights)
    else:
        case = grown(asked.case, asked.axis, value)
        case = msgspec.structs.replace(case, case_id=f"{case.case_id}-{_name(asked, value)}")
        plan = planning.make(
            profile,
            weights=asked.weights,
            models=[case.model.name],
            methods=[case.method.name],
            argv=_argv(asked),
        )
        opened = create(place, msgspec.structs.replace(plan, tier=TRY, cases=(case,)))
    with opened, reporter(opened.folder, opened.plan, opened.records, json=False) as told:
        run_launch(opened, 1, told)
    signals.check()


def _argv(asked: ProbeRequest) -> tuple[str, ...]:
    """Return what is looked for as a command; all tries of one search share it."""
    case, work = asked.case, asked.case.workload
    grows = ("--max-batch", "--seq", str(work.sequence_tokens))
    if asked.axis == "sequence_tokens":
        grows = ("--max-seq", "--batch", str(work.batch_sequences))
    return ("probe", "--model", case.model.name, "--method", case.method.name, *grows)


def _amount(asked: ProbeRequest, value: int) -> str:
    noun, of = NOUNS[asked.axis]
    return f"{units.counted(value, noun)} {of}"


def _name(asked: ProbeRequest, value: int) -> str:
    work = grown(asked.case, asked.axis, value).workload
    return f"s{work.sequence_tokens}-b{work.batch_sequences}"


def _tried(folder: Path, asked: ProbeRequest) -> tuple[dict[int, bool], str]:
    """Return which values fitted, from the records, and why the search cannot go on, or ""."""
    fitted: dict[int, bool] = {}
    for record in _records(folder):
        value = getattr(record.case.workload, asked.axis)
        if record.outcome not in ("ok", "oom"):
            return fitted, f"{_amount(asked, value)}: {record.outcome}: {why(record)}"
        fitted[value] = record.outcome == "ok"
    return fitted, ""


def _records(folder: Path) -> Iterable[Record]:
    plans = sorted(folder.glob(f"*/{PLAN}"))
    return read([plan.parent for plan in plans]).records if plans else ()


def _say(
    folder: Path, asked: ProbeRequest, tried: dict[int, bool], stopped: str, *, more: bool
) -> None:
    from suite.console import run_summary

    print()
    run_summary.show(_records(folder))
    print()
    good, bad = asked.search.edge(tried)
    fitted = "nothing fits" if good is None else f"{_amount(asked, good)} fit"
    if bad is not None:
        fitted += f", {bad:,} ran out of memory"
    elif good == asked.search.bound:
        fitted += ", as many as there can be"
    tables.say(f"{asked.case.case_id} on {asked.profile}: {fitted}.")
    if stopped:
        tables.say(f"Not the edge: the search ended at {stopped}")
    elif more:
        tables.say(f"Not the edge yet: after {len(tried)} tries; --tries allows more.")
    tables.say(f"Every try is in {folder}; --out {folder} goes on.")
