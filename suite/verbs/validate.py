"""``tunebench validate``: say what is wrong with result files and catalog files."""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from reports import references
from suite import units
from suite.arguments import Parser, path
from suite.catalog import case as cases
from suite.catalog import method, model, parameters, prices, profile, tier, toml
from suite.errors import EXIT_OK, EXIT_USAGE, BadInput, SuiteError
from suite.results.collection import NO_RESULTS
from suite.results.store import Problem, read
from suite.signals import Signals

Catalog = model.Model | method.Method | tier.Tier | profile.Profile
Entry = Catalog | references.Reference | references.Published

KINDS: dict[str, type[Entry]] = {
    "models": model.Model,
    "methods": method.Method,
    "tiers": tier.Tier,
    "hardware_profiles": profile.Profile,
    "references": references.Reference,
    "architectures": references.Published,
}
#: A key that only this kind of file has, for one that lies elsewhere.
TELLING = {
    "architecture": "models",
    "optimizer": "methods",
    "workload": "tiers",
    "device": "hardware_profiles",
    "figures": "references",
}


def parser() -> Parser:
    """Return the arguments of this verb."""
    made = Parser(
        "validate",
        "Check result files (runs, journals, records) and catalog files (TOML); without a\n"
        "path, the whole catalog. Exit code 2 if anything is wrong, however small.",
        [
            ("./tunebench validate runs/a", "every record of a run"),
            ("./tunebench validate models/mine.toml", "a model you added"),
        ],
    )
    made.add_argument("paths", nargs="*", type=path, metavar="PATH", help="files or folders")
    made.add_argument("--json", action="store_true", help="as JSON")
    return made


def run(args: argparse.Namespace, signals: Signals) -> int:
    """Print every problem found, then how much was good."""
    whole = [model.FOLDER, method.FOLDER, tier.FOLDER, profile.FOLDER, references.FOLDER]
    paths = args.paths or whole
    catalog: list[Path] = []
    results: list[Path] = []
    for given in paths:
        found = _catalog_files(given)
        catalog += found
        # A folder may hold both; of files of our own catalog alone, none holds results.
        if args.paths and not (found and given.is_file()):
            results.append(given)
    problems = [problem for file in catalog for problem in _entry(file)]
    records = 0
    if results:
        try:
            collection = read(results, may_be_empty=_only_catalog(results))
        except BadInput as error:
            problems += [Problem(path=", ".join(map(str, results)), reason=error.message)]
        else:
            holds = {str(given) for given in results if _catalog_files(given)}
            problems += [
                problem
                for problem in collection.problems
                if not (problem.path in holds and problem.reason == NO_RESULTS)
            ]
            records = len(collection.records)
    good = len(catalog) - len({problem.path for problem in problems} & {*map(str, catalog)})
    if args.json:
        listed = [
            {"path": problem.path, "line": problem.line, "reason": problem.reason}
            for problem in problems
        ]
        print(json.dumps({"records": records, "catalog_files": good, "problems": listed}))
    else:
        for problem in problems:
            print(problem)
        shown = [units.counted(records, "good record")] if records or not catalog else []
        shown += [units.counted(good, "good catalog file")] if catalog else []
        count = sum(problem.stands_for for problem in problems)
        print(", ".join([*shown, units.counted(count, "problem")]))
    return EXIT_USAGE if problems else EXIT_OK


def _catalog_files(given: Path) -> list[Path]:
    if given.is_dir():
        return sorted(file for file in given.rglob("*.toml") if _is_catalog(file))
    return [given] if given.suffix == ".toml" else []


def _is_catalog(file: Path) -> bool:
    """Return whether a TOML file of a folder is ours, or so broken that it could be."""
    if file.parent.name in KINDS:
        return True
    try:
        return any(key in toml.parsed(file) for key in TELLING)
    except BadInput:
        return True


def _only_catalog(results: Sequence[Path]) -> bool:
    """Return whether all that was given are folders of catalog files."""
    return all(given.is_dir() and _catalog_files(given) for given in results)


def _entry(file: Path) -> Iterator[Problem]:
    try:
        if file.name == prices.FILE.name:
            prices.load(file)
            return
        kind = _kind(file)
        entry = references.read(file) if kind is references.Reference else toml.read(file, kind)
        if isinstance(entry, model.Model):
            _refuse_other_count(entry)
        if isinstance(entry, tier.Tier):
            cases.cases(entry, loop="trainer", seed=0)
        if isinstance(entry, method.Method) and entry.reference is not None:
            method.load(entry.reference)
        if isinstance(entry, profile.Profile):
            tier.load(entry.default_tier)
            profile.refuse_twin(file, entry, profile.beside(file))
    except SuiteError as error:
        message = error.message.removeprefix(f"{file}: ")
        hint = f". {error.hint}" if error.hint else ""
        yield Problem(path=str(file), reason=message + hint)


def _refuse_other_count(entry: model.Model) -> None:
    """Raise BadInput where a model is said to have another size than its architecture makes."""
    count = parameters.total_parameters(entry)
    if count != entry.parameters:
        raise BadInput(
            f"key 'parameters': {entry.parameters:,}, but its architecture has {count:,}"
        )


def _kind(file: Path) -> type[Entry]:
    """Tell by the folder, else by a key that only one kind has."""
    if file.parent.name in KINDS:
        return KINDS[file.parent.name]
    keys = toml.parsed(file)
    for key, kind in TELLING.items():
        if key in keys:
            return KINDS[kind]
    raise BadInput(
        f"{file}: cannot tell what this is",
        hint=f"Put it into a folder named {', '.join(KINDS)}.",
    )
