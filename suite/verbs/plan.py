"""``tunebench plan``: what a job takes on each GPU, with each method, the answer first."""

import argparse
import json
import math
import re
from collections.abc import Callable, Sequence

import msgspec

from suite.arguments import Parser, names, path, positive
from suite.catalog import case as cases
from suite.catalog import model as models
from suite.catalog import prices, tier
from suite.catalog import profile as profiles
from suite.catalog.case import Case
from suite.catalog.profile import Profile
from suite.catalog.tier import Workload
from suite.console import plan_document, tables
from suite.errors import EXIT_OK, BadInput
from suite.estimate import explain, planner
from suite.estimate.groups.group_model import MOST_GPUS
from suite.estimate.job import answer, buy_or_rent, counts
from suite.estimate.job.answer import JobAnswer
from suite.estimate.job.buy_or_rent import Terms
from suite.estimate.job.counts import CountAnswer
from suite.estimate.job.ratios import against_quickest, grounds
from suite.estimate.planner import Entry, Job
from suite.paths import RESULTS
from suite.results.storage.run_folder import read
from suite.signals import Signals

MOST_TOKENS = 1e15
FEW = 4  #: GPUs that are answered in sentences of their own
_SIZES = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "B": 1e9}
MOST_HOURS, MOST_DOLLARS, MOST_JOBS = 1e5, 1e9, 1e6
CHOICES = (
    *("model", "tokens", "methods", "gpus", "seq", "batch", "why", "json"),
    *("price", "kwh", "jobs", "count", "parallel"),
)
HEADERS = (
    "gpu",
    "count",
    "method",
    "fits",
    "needs",
    "time",
    "{} h",
    "energy",
    "rent",
    "own",
    "basis",
)

DESCRIPTION = """\
Say what a fine-tuning job takes on each GPU with each method: time, memory,
how many tokens the hours at hand are enough for, energy of the GPU, rent, and
the cost on a GPU of your own. Every row is measured, or estimated with its
interval from what was measured. Methods on one GPU are compared by ratios
with intervals of their own, in which what is unknown of the GPU cancels.
With --count the same for several GPUs of one machine: which number is the
cheapest, and which the fastest.
Tokens (padding excluded) come in fixed-length sequences."""


def parser() -> Parser:
    """Return the arguments of this verb."""
    made = Parser(
        "plan",
        DESCRIPTION,
        [
            ("./tunebench plan --model qwen3-32b --tokens 40M --epochs 3", "all GPUs"),
            ("./tunebench plan --model qwen3-8b --tokens 2M --gpus l40s", "one GPU"),
            ("./tunebench plan --model gpt-oss-120b --tokens 1M --why", "and reasons"),
            ("… --gpus h200-sxm --count 1,2,4,8", "one GPU or several"),
            ("./tunebench plan --errors", "how far off"),
        ],
    )
    made.add_argument("--model", metavar="NAME", help="what is tuned")
    made.add_argument(
        "--tokens", type=tokens, metavar="N", help="tokens of the data, padding excluded: 40M"
    )
    made.add_argument(
        "--epochs", type=epochs, default=1.0, metavar="N", help="passes over them (default: 1)"
    )
    made.add_argument(
        "--methods", type=names, metavar="NAMES", help="(default: the standard ones)"
    )
    made.add_argument("--gpus", type=names, metavar="NAMES", help="profiles (default: every GPU)")
    made.add_argument(
        "--count",
        type=gpu_counts,
        metavar="N,N",
        help=f"how many of each GPU, up to {MOST_GPUS}: 1,2,4,8 (default: 1)",
    )
    made.add_argument(
        "--parallel",
        choices=("ddp", "fsdp2"),
        help="with --count: how several train together (default: DDP where the model fits one)",
    )
    made.add_argument(
        "--hours",
        type=amount("hours", MOST_HOURS),
        default=planner.OVERNIGHT_SECONDS / 3600,
        metavar="H",
        help="hours at hand (default: 8)",
    )
    made.add_argument(
        "--price",
        type=amount("US dollars", MOST_DOLLARS),
        metavar="USD",
        help="what the first of --gpus costs to buy: says from how many jobs that pays",
    )
    made.add_argument(
        "--kwh",
        type=amount("US dollars", MOST_DOLLARS),
        metavar="USD",
        help="with --price: what a kWh of electricity costs (default: nothing)",
    )
    made.add_argument(
        "--jobs",
        type=amount("jobs", MOST_JOBS),
        metavar="N",
        help="with --price: how many such jobs a month",
    )
    made.add_argument("--seq", type=positive, metavar="N", help="tokens a row (default: 2048)")
    made.add_argument("--batch", type=positive, metavar="N", help="rows a step (default: 2)")
    made.add_argument(
        "--results",
        type=path,
        action="append",
        metavar="PATH",
        help="what was measured (default: the published results); may be repeated",
    )
    made.add_argument("--why", action="store_true", help="what each estimate is made of")
    made.add_argument(
        "--errors", action="store_true", help="how far the time model is off, as Markdown"
    )
    made.add_argument("--json", action="store_true", help="as JSON, in SI units")
    return made


def run(args: argparse.Namespace, signals: Signals) -> int:
    """Print the plan, or the errors of the model behind it."""
    if args.errors:
        given = [f"--{name}" for name in CHOICES if getattr(args, name)]
        if given:
            raise BadInput(f"--errors is about all results; it contradicts {', '.join(given)}")
        found = read(args.results or [RESULTS])
        from reports.export import markdown

        for table in ("time-model", "several-gpus"):
            print(markdown.markdown(found, table), end="")
        return EXIT_OK
    if args.model is None or args.tokens is None:
        lacking = "--model" if args.model is None else "--tokens"
        hint = "For example: ./tunebench plan --model qwen3-32b --tokens 40M --epochs 3"
        raise BadInput(f"plan: {lacking} is needed", hint=hint)
    terms = _terms(args)
    if terms is not None and args.count and 1 not in args.count:
        raise BadInput("--price is what one GPU costs; add 1 to --count, or leave one of them out")
    if args.parallel and not args.count:
        raise BadInput("--parallel needs --count, how many GPUs train together: --count 1,2,4,8")
    wanted = _cases(args)
    cards = _cards(args.gpus or ())
    found = read(args.results or [RESULTS])
    tables.warn(found.problems)
    plan, job = planner.fit_planner(found.records), Job(tokens=args.tokens, epochs=args.epochs)
    answers = [
        _answer([plan.entry(case, card) for case in wanted], job, args, plan) for card in cards
    ]
    several = [_several(each, args, plan) for each in answers] if args.count else []
    if args.json:
        print(json.dumps(plan_document.document(answers, several, terms), indent=1))
        return EXIT_OK
    for sentence in _sentences(answers, several, terms):
        tables.say(sentence)
    print()
    _show(answers, several, wanted[0].workload, plan)
    entries = [entry for each in several or answers for entry in each.entries]
    if args.why:
        print()
        for entry in entries:
            for sentence in (*explain.sentences(entry), *counts.why(entry, plan)):
                tables.say(sentence)
        for case in wanted if len(cards) == 2 else ():
            one, other = (plan.entry(case, card) for card in cards)
            tables.say(f"{case.method.title}: {'; '.join(explain.versus(one, other))}.")
    return EXIT_OK


def _cases(args: argparse.Namespace) -> list[Case]:
    standard = tier.load("standard")
    load = standard.workload
    if args.seq or args.batch:
        load = Workload(
            sequence_tokens=args.seq or load.sequence_tokens,
            batch_sequences=args.batch or load.batch_sequences,
        )
    models.refuse_beyond(models.load(args.model), load.sequence_tokens, "--seq")
    asked = msgspec.structs.replace(standard, workload=load, by_model={}, variants=())
    return cases.cases(
        asked,
        loop="sft",
        seed=0,
        model_names=[args.model],
        method_names=args.methods or (),
        lenient=True,
    )


def _cards(wanted: Sequence[str]) -> list[Profile]:
    """Return the profiles of the cards that were asked for, or of all."""
    if not wanted:
        return [card for card in profiles.everything() if card.has_gpu]
    found = [profiles.chosen(name) for name in wanted]
    for card in found:
        if not card.has_gpu:
            raise BadInput(
                f"--gpus {card.name}: not a GPU, and times of a CPU tell of no other machine"
            )
    return found


def _terms(args: argparse.Namespace) -> Terms | None:
    """Return what a buyer said; raises BadInput for a price of no GPU and terms of no price."""
    if args.price is None:
        given = [name for name in ("--kwh", "--jobs") if getattr(args, name[2:]) is not None]
        if given:
            raise BadInput(f"{' and '.join(given)} needs --price, what the GPU costs to buy")
        return None
    if not args.gpus:
        raise BadInput("--price needs --gpus: it is what the first of them costs to buy")
    return Terms(price_usd=args.price, usd_per_kwh=args.kwh, jobs_a_month=args.jobs)


def _answer(
    entries: Sequence[Entry], job: Job, args: argparse.Namespace, plan: planner.Planner
) -> JobAnswer:
    ranked = against_quickest(entries, plan.ratio_widths, plan.scatter)
    return answer.answer(entries, ranked, job, args.hours)


def _several(alone: JobAnswer, args: argparse.Namespace, plan: planner.Planner) -> CountAnswer:
    """Return what becomes of a GPU's answer with as many of them as were asked for."""
    entries = [
        entry
        for each in alone.entries
        for entry in counts.spread(plan, each, args.count, args.parallel)
    ]
    return counts.answer(entries, alone.job, plan)


def _sentences(
    answers: Sequence[JobAnswer], several: Sequence[CountAnswer], terms: Terms | None
) -> list[str]:
    """Return the answers of a few GPUs; of more the table tells."""
    known = prices.known()
    said = []
    if len(answers) <= FEW and _one(several):
        said += [" ".join(answer.sentences(each)) for each in answers[:1]]
        said += [answer.brief(each) for each in answers[1:]]
    if len(answers) <= FEW:
        for each in several:
            at = known.of(each.entries[0].profile.name)
            said.append(" ".join(counts.sentences(each, at)))
    if terms is not None:
        said += buy_or_rent.sentences(answers[0], answers, terms, known)
    return said


def _one(several: Sequence[CountAnswer]) -> bool:
    """Return whether rows of one GPU were asked for."""
    return not several or any(entry.gpus == 1 for entry in several[0].entries)


def _show(
    answers: Sequence[JobAnswer],
    several: Sequence[CountAnswer],
    load: Workload,
    plan: planner.Planner,
) -> None:
    known, job, hours = prices.known(), answers[0].job, answers[0].hours
    entries = [entry for each in several or answers for entry in each.entries]
    passes = "1 epoch" if job.epochs == 1 else f"{job.epochs:g} epochs"
    tables.say(
        f"{job.tokens:,.0f} tokens (padding excluded), {passes}, in steps of"
        f" {load.batch_sequences:,} × {load.sequence_tokens:,} tokens, fixed-length sequences."
    )
    print()
    rows = [_row(entry, job, hours, known) for entry in entries]
    headers = [name.format(f"{hours:,g}") for name in HEADERS]
    if not several:
        headers = list(_without_count(headers))
        rows = [_without_count(row) for row in rows]
    tables.show(headers, rows, right="needs time energy rent own")
    print()
    alone = answers if _one(several) else ()
    ratios = [text for each in alone if (text := answer.compared(each))]
    for text in ratios:
        tables.say(text)
    if ratios:
        tables.say(grounds(plan))
        print()
    for reason in explain.reasons(entries):
        tables.say(reason)
    notes = explain.fine_print(entries, plan.grounds())
    notes += counts.notes(entries, plan)
    for sentence in (*notes, *explain.price_notes(entries, known)):
        tables.say(sentence)


def _without_count(row: Sequence[str]) -> tuple[str, ...]:
    return tuple(cell for name, cell in zip(HEADERS, row, strict=True) if name != "count")


def _row(entry: Entry, job: Job, hours: float, known: prices.Prices) -> tuple[str, ...]:
    gpu = explain.marked(entry.profile.name, entry.profile)
    needs = answer.memory(entry)
    method, how = entry.case.method.name, counts.way(entry)
    titles = gpu, how, method, entry.verdict, "" if needs == "unknown" else needs
    if entry.tokens_per_second is None:
        return (*titles, "", "", "", "", "", explain.basis(entry))
    seconds, each = job.time(entry.tokens_per_second), entry.joules_per_token
    joules = None if each is None else job.energy(each)
    found = known.of(entry.profile.name)
    dollars = (
        planner.rent(seconds, found, entry.gpus),
        planner.own(seconds, joules, found, known.own, entry.gpus),
    )
    return (
        *titles,
        explain.amount(entry, "hours", seconds),
        planner.overnight(seconds, hours * 3600),
        "unknown" if joules is None else explain.amount(entry, "kWh", joules),
        *("unknown" if each is None else explain.amount(entry, "USD", each) for each in dollars),
        explain.basis(entry),
    )


def tokens(text: str) -> float:
    """Read a number of tokens: ``40M``, ``1.5G``, ``500k``, ``40_000_000``."""
    parts = re.fullmatch(r"(\d[\d_]*(?:\.\d+)?)([kMGB]?)", text)
    if parts is None:
        raise argparse.ArgumentTypeError(
            f"not a number of tokens: {text!r}; write 40M, 1.5B, 500k or 40000000"
        )
    number = float(parts[1].replace("_", "")) * _SIZES[parts[2]]
    if not 1 <= number <= MOST_TOKENS:
        raise argparse.ArgumentTypeError(
            f"{text!r} is out of range: from 1 to {MOST_TOKENS:g} tokens"
        )
    return number


def gpu_counts(text: str) -> tuple[int, ...]:
    """Read numbers of GPUs: ``1,2,4,8``, each once, in order."""
    found = {int(each) if re.fullmatch(r"[1-9]\d?", each) else 0 for each in names(text)}
    if not found or min(found) < 1 or max(found) > MOST_GPUS:
        raise argparse.ArgumentTypeError(
            f"not numbers of GPUs from 1 to {MOST_GPUS}: {text!r}; write 1,2,4,8"
        )
    return tuple(sorted(found))


def epochs(text: str) -> float:
    """Read a number of passes above 0, which need not be whole."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number <= 10_000:
        raise argparse.ArgumentTypeError(f"not a number of epochs above 0: {text!r}")
    return number


def amount(name: str, most: float) -> Callable[[str], float]:
    """Return what reads a number above 0 and at most ``most``; ``name`` is said of others."""

    def read_amount(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not 0 < number <= most:
            raise argparse.ArgumentTypeError(
                f"not a number of {name} above 0, at most {most:,g}: {text!r}"
            )
        return number

    return read_amount
