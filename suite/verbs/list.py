"""``tunebench list``: what can be run."""

import argparse
from collections.abc import Sequence

from suite import units
from suite.arguments import Parser, one_of
from suite.catalog import case as cases
from suite.catalog import lowest, method, model, prices, profile, tier, toml
from suite.errors import EXIT_OK
from suite.signals import Signals

Row = dict[str, str | int | None]

NOUNS = ("models", "methods", "tiers", "profiles", "libraries", "cases")
LONG = ("libraries", "cases")  #: not shown unless asked for
_HEADS = {"loop": "trainer"}  #: of tables, where that of the JSON is a field's name


def parser() -> Parser:
    """Return the arguments of this verb."""
    made = Parser(
        "list",
        "List what can be run. One TOML file is one entry; add a file and it is listed.",
        [
            ("./tunebench list", "models, methods, tiers and profiles"),
            ("./tunebench list cases --tier smoke", "what a tier runs, and what it cannot"),
            ("./tunebench list models --json", "for a program"),
        ],
    )
    made.add_argument(
        "noun", nargs="?", type=one_of(*NOUNS), metavar="WHAT", help=f"one of {', '.join(NOUNS)}"
    )
    made.add_argument("--tier", metavar="NAME", help="with cases: one tier (default: all)")
    made.add_argument("--json", action="store_true", help="as JSON")
    return made


def run(args: argparse.Namespace, signals: Signals) -> int:
    """Print the tables asked for."""
    nouns = [args.noun] if args.noun else [noun for noun in NOUNS if noun not in LONG]
    if args.tier is not None and args.noun is None:
        nouns = ["cases"]
    found = {noun: _rows(noun, args.tier) for noun in nouns}
    if args.json:
        import json

        print(json.dumps(found if args.noun is None else found[args.noun], indent=1))
        return EXIT_OK
    from suite.console import tables

    for noun, rows in found.items():
        if len(found) > 1:
            print(f"{noun.upper()}")
        headers = [_HEADS.get(name, name) for name in rows[0]] if rows else []
        tables.show(headers, [_text(row) for row in rows], right="parameters cases steps")
        if len(found) > 1:
            print()
    if args.noun is None:
        print("What a tier runs: ./tunebench list cases --tier smoke")
    return EXIT_OK


def _rows(noun: str, tier_name: str | None) -> list[Row]:
    if noun == "models":
        return toml.every(model.names(), lambda name: _model(model.load(name)))
    if noun == "methods":
        return toml.every(method.names(), lambda name: _method(method.load(name)))
    if noun == "tiers":
        return toml.every(tier.names(), lambda name: _tier(tier.load(name)))
    if noun == "profiles":
        known = prices.known()
        return [_profile(entry, known.of(entry.name)) for entry in profile.everything()]
    if noun == "libraries":
        return [_library(entry) for entry in lowest.load()]
    if tier_name:
        return _cases(tier.load(tier_name))
    found = toml.every(tier.names(), lambda name: _cases(tier.load(name)))
    return [row for rows in found for row in rows]


def _model(entry: model.Model) -> Row:
    return {
        "model": entry.name,
        "family": entry.family,
        "parameters": entry.parameters,
        "license": entry.license,
        "weights": entry.hub_id,
    }


def _method(entry: method.Method) -> Row:
    return {"method": entry.name, "engine": entry.engine, "summary": entry.summary}


def _tier(entry: tier.Tier) -> Row:
    # The loop changes no case's identity, only how it is run.
    found = cases.cases(entry, loop="trainer", seed=0, lenient=True)
    return {
        "tier": entry.name,
        "cases": len(found),
        "steps": entry.steady_steps,
        "summary": entry.summary,
    }


def _profile(entry: profile.Profile, known: Sequence[prices.Price]) -> Row:
    return {
        "profile": entry.name,
        "gpu": entry.nvml_name,
        "tier": entry.default_tier,
        "loop": entry.default_loop,
        "verified": "yes" if entry.verified else "no",
        "rent": _rent(known),
    }


def _library(entry: lowest.Lowest) -> Row:
    return {"library": entry.name, "oldest that works": entry.version, "for": entry.why}


def _rent(known: Sequence[prices.Price]) -> str | None:
    """Return the range of hourly rents with the day of the newest, or None where none is known."""
    found = prices.rents(known)
    if not found:
        return None
    low, high = found[0].rent_usd_per_hour or 0.0, found[-1].rent_usd_per_hour or 0.0
    amount = f"{low:.2f}" if low == high else f"{low:.2f}–{high:.2f}"
    newest = max(price.date for price in found)
    return f"USD {amount}/h, {units.counted(len(found), 'price')} to {newest}"


def _cases(entry: tier.Tier) -> list[Row]:
    return [
        {
            "case": case.case_id,
            "tier": entry.name,
            "tokens": f"{case.workload.batch_sequences} × {case.workload.sequence_tokens}",
            "unsupported": cases.unsupported_reason(case),
        }
        for case in cases.cases(entry, loop="trainer", seed=0, lenient=True)
    ]


def _text(row: Row) -> Sequence[str]:
    return [
        "" if value is None else f"{value:,}" if isinstance(value, int) else value
        for value in row.values()
    ]
