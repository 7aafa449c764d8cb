"""``tunebench fit``: would it fit that card? An estimate by part, before anything is run."""

import argparse
from collections.abc import Iterable, Sequence

import msgspec

from suite import screen
from suite.arguments import Parser, names, one_of, path, positive
from suite.catalog import case as cases
from suite.catalog import method as methods
from suite.catalog import model as models
from suite.catalog import profile as profiles
from suite.catalog import tier as tiers
from suite.catalog import toml
from suite.catalog.case import Case
from suite.catalog.profile import Profile
from suite.catalog.tier import Workload
from suite.console.fit import Answer, MeasuredFit
from suite.errors import EXIT_OK, BadInput
from suite.estimate import memory
from suite.estimate.largest_fit import Axis, frontier, grown
from suite.paths import RESULTS
from suite.results.memory import fits_card as fits
from suite.results.record import Record
from suite.results.storage.run_folder import read
from suite.signals import Signals

SEED = 17
CHOICES = ("model", "method", "gpu", "seq", "batch", "max_seq", "max_batch")


def parser() -> Parser:
    """Return the arguments of this verb."""
    made = Parser(
        "fit",
        "Would a model and method fit a GPU? Weights, adapters and optimizer state by\n"
        "formula; activations, fragmentation and the CUDA context fitted on measured\n"
        "cases. An estimate with its interval; probe finds out on a GPU.",
        [
            ("./tunebench fit --model qwen3-8b --method lora --gpu l40s", "by part"),
            ("./tunebench fit --model qwen3-32b --gpu b200", "every method"),
            ("./tunebench fit --model qwen3-8b --max-seq", "the longest rows"),
            ("./tunebench fit --errors", "how far off"),
        ],
    )
    add = made.add_argument
    add("--model", type=names, default=(), metavar="A,B", help="models")
    add("--method", type=names, default=(), metavar="X,Y", help="methods (default: all)")
    add("--gpu", type=names, default=(), metavar="P,Q", help="profiles of GPUs (default: all)")
    add("--seq", type=positive, metavar="N", help="tokens a row (default: 2048)")
    add("--batch", type=positive, metavar="B", help="rows a batch (default: 2)")
    add("--max-seq", action="store_true", help="how long rows may be")
    add("--max-batch", action="store_true", help="how many rows a batch may have")
    add("--errors", action="store_true", help="how far off on results that were left out")
    add("--results", nargs="+", type=path, metavar="PATH", help="instead of the published ones")
    add("--format", type=one_of("text", "json"), default="text", metavar="F", help="text or json")
    return made


def run(args: argparse.Namespace, signals: Signals) -> int:
    """Print the answers, or the error of the model behind them."""
    from suite.console import fit, tables

    if args.errors:
        given = [f"--{name.replace('_', '-')}" for name in CHOICES if getattr(args, name)]
        if given:
            raise BadInput(f"--errors is about all results; it contradicts {', '.join(given)}")
    else:
        wanted, cards = asked(args), _cards(args.gpu)
    found = read(args.results or [RESULTS])
    tables.warn(found.problems)
    if args.errors:
        fit.errors(found.records, args.format)
        return EXIT_OK
    fitted = memory.fit_memory(found.records)
    axis: Axis | None = None
    if args.max_seq or args.max_batch:
        axis = "sequence_tokens" if args.max_seq else "batch_sequences"
    answers = [
        _answer(fitted, case, card, axis, found.records) for case in wanted for card in cards
    ]
    if args.format == "json":
        print(screen.json(msgspec.json.format(msgspec.json.encode(answers), indent=1).decode()))
    else:
        fit.show(answers)
    return EXIT_OK


def asked(args: argparse.Namespace) -> list[Case]:
    """Return the cases that were asked for; raises BadInput for what cannot be one.

    A method that makes no sense with a model is left out unless it was named.
    """
    if not args.model:
        raise BadInput(
            "which model? --model is missing", hint=f"Models: {', '.join(models.names())}."
        )
    if args.max_seq and args.max_batch:
        raise BadInput("--max-seq and --max-batch: one at a time")
    if args.max_seq and args.seq:
        raise BadInput("--max-seq looks for what --seq gives: leave one away")
    if args.max_batch and args.batch:
        raise BadInput("--max-batch looks for what --batch gives: leave one away")
    tier, found = tiers.load("standard"), []
    standard = tier.workload
    workload = Workload(
        sequence_tokens=args.seq or standard.sequence_tokens,
        batch_sequences=args.batch or standard.batch_sequences,
    )
    for model in map(models.load, args.model):
        positions = model.architecture.max_positions
        if args.max_seq and positions < workload.sequence_tokens:
            workload = msgspec.structs.replace(workload, sequence_tokens=positions)
        models.refuse_beyond(model, workload.sequence_tokens, "--seq")
        named = [methods.load(name) for name in args.method]
        for method in named or toml.every(methods.names(), methods.load):
            case = cases.make(tier, model, method, workload, None, "sft", SEED)
            if args.method or cases.unsupported_reason(case) is None:
                found.append(case)
    return found


def _cards(wanted: Sequence[str]) -> list[Profile]:
    if not wanted:
        return [card for card in profiles.everything() if fits.card_bytes(card) is not None]
    found = [profiles.chosen(name) for name in wanted]
    for card in found:
        if fits.card_bytes(card) is None:
            why = (
                "a CPU has no memory of a GPU"
                if not card.has_gpu
                else "keys 'facts.nvml_memory_bytes' and 'facts.memory_bytes': both unknown"
            )
            raise BadInput(f"{profiles.FOLDER / card.name}.toml: {why}")
    return found


def _answer(
    fitted: memory.MemoryModel,
    case: Case,
    card: Profile,
    axis: Axis | None,
    records: Iterable[Record],
) -> Answer:
    size = fits.card_bytes(card) or 0.0
    limit = None if axis is None else frontier(fitted, case, axis, card)
    if limit is not None:
        case = grown(case, limit.axis, limit.surely or limit.perhaps or 1)
    estimate = fitted.estimate(case, size)
    return Answer(
        case=case,
        profile=card,
        card_bytes=size,
        verdict=memory.verdict(estimate, card),
        estimate=estimate,
        unsupported=cases.unsupported_reason(case, card) or "",
        frontier=limit,
        measured=measured(case, card, records),
    )


def measured(case: Case, card: Profile, records: Iterable[Record]) -> MeasuredFit | None:
    """Return what records of this very model, method, work and loop on this card say, if any."""
    same = [
        record
        for record in records
        if record.profile == card.name
        and record.case.model == case.model
        and record.case.method == case.method
        and record.case.workload == case.workload
        and record.case.loop == case.loop
    ]
    ok = [record for record in same if record.outcome == "ok"]
    if not same:
        return None
    need = fits.largest_need(ok)
    return MeasuredFit(
        records=len(ok),
        verdict=fits.fits_card(need, card),
        need=need,
        failures=tuple(f"{r.outcome}: {r.reason}" for r in same if r.outcome != "ok"),
    )
