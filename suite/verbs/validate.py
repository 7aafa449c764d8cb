"""``tunebench validate``: say what is wrong with result files and catalog files."""

import argparse
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

from reports.published import sources as references
from suite import units
from suite.arguments import Parser, path
from suite.catalog import case as cases
from suite.catalog import method, model, parameters, prices, profile, tier, toml
from suite.console import strict
from suite.errors import EXIT_OK, EXIT_USAGE, BadInput, SuiteError
from suite.paths import ROOT
from suite.results.storage.problems import Problems
from suite.results.storage.reader import NO_RESULTS
from suite.results.storage.run_folder import Problem, read
from suite.results.storage.walk import walk
from suite.results.strict import contribution
from suite.run.machine import environment
from suite.signals import Signals

Catalog = model.Model | method.Method | tier.Tier | profile.Profile
Entry = Catalog | references.Reference | references.PublishedModel

KINDS: dict[str, type[Entry]] = {
    "models": model.Model,
    "methods": method.Method,
    "tiers": tier.Tier,
    "hardware_profiles": profile.Profile,
    "references": references.Reference,
    "architectures": references.PublishedModel,
}
#: Of catalog files, over all that is given: a quarter of a second each at worst, thrice.
MOST_BYTES = 8 << 20
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
        "path, the whole catalog. Exit code 2 if anything is wrong, however small.\n"
        "With --strict, whether folders of results may be given to the project.",
        [
            ("./tunebench validate runs/a", "every record of a session"),
            ("./tunebench validate models/mine.toml", "a model you added"),
            ("./tunebench validate --strict GPU/RUN", "a result that you give"),
        ],
    )
    made.add_argument("paths", nargs="*", type=path, metavar="PATH", help="files or folders")
    made.add_argument(
        "--strict", action="store_true", help="what a published run must be to be taken in"
    )
    made.add_argument(
        "--own", action="store_true", help="of --strict: the project's own, without an origin"
    )
    made.add_argument("--json", action="store_true", help="as JSON")
    made.add_argument("--markdown", action="store_true", help="of --strict: as Markdown")
    return made


def run(args: argparse.Namespace, signals: Signals) -> int:
    """Print every problem found, then how much was good."""
    if args.strict:
        return _strict(args)
    if args.own or args.markdown:
        raise BadInput(f"--{'own' if args.own else 'markdown'} goes with --strict")
    whole = [model.FOLDER, method.FOLDER, tier.FOLDER, profile.FOLDER, references.FOLDER]
    paths = args.paths or whole
    telling = _Left()
    catalogs = {given: _catalog_files(given, telling) for given in paths}
    catalog = [file for found in catalogs.values() for file in found]
    # A folder may hold both; of files of our own catalog alone, none holds results.
    results = [
        given
        for given, found in catalogs.items()
        if args.paths and not (found and given.is_file())
    ]
    found_bad, bad = Problems(), 0
    for file, reason in _refused(catalog, named=args.paths):
        found_bad.add(file, reason)
        bad += 1
    problems = list(found_bad.all())
    records = 0
    if results:
        try:
            only = all(given.is_dir() and catalogs[given] for given in results)
            collection = read(results, may_be_empty=only)
        except BadInput as error:
            problems += [Problem(path=", ".join(map(str, results)), reason=error.message)]
        else:
            holds = {str(given) for given in results if catalogs[given]}
            problems += [
                problem
                for problem in collection.problems
                if not (problem.path in holds and problem.reason == NO_RESULTS)
            ]
            records = len(collection.records)
    good = len(catalog) - bad
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


def _strict(args: argparse.Namespace) -> int:
    """Judge folders of results by the strict rules, and print what breaks them."""
    if not args.paths:
        raise BadInput(
            "--strict asks for folders of results",
            hint="Give what ./tunebench publish printed.",
        )

    @cache
    def known(revision: str) -> bool | None:
        return environment.has_commit(ROOT, revision)

    found = [
        each
        for given in args.paths
        for each in contribution.contributions(given, own=args.own, known=known)
    ]
    if args.json:
        print(json.dumps(strict.as_json(found)))
    else:
        print(strict.markdown(found) if args.markdown else strict.text(found))
    return EXIT_USAGE if any(each.problems for each in found) else EXIT_OK


class _Left:
    """How many bytes of catalog files may still be read."""

    def __init__(self) -> None:
        self._bytes = MOST_BYTES

    def takes(self, file: Path) -> bool:
        """Take one file, and return whether it may be read."""
        with suppress(OSError):
            self._bytes -= min(file.stat().st_size, toml.MAX_BYTES)
        return self._bytes >= 0


def _catalog_files(given: Path, left: _Left) -> list[Path]:
    if given.is_dir():
        # What cannot be read or lies too deep is told by the reading of results, which walks too.
        walked = walk(given, lambda *_: None)
        files = (here / name for here, *kinds in walked for names in kinds for name in names)
        return sorted(file for file in files if file.suffix == ".toml" and _is_catalog(file, left))
    return [given] if given.suffix == ".toml" else []


def _is_catalog(file: Path, left: _Left) -> bool:
    """Return whether a TOML file of a folder is ours, or cannot be told."""
    if file.parent.name in KINDS or file.is_symlink() or not left.takes(file):
        return True
    try:
        return not TELLING.keys().isdisjoint(toml.parsed(file))
    except BadInput:
        return True


def _refused(files: Sequence[Path], named: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """Yield every bad file and why; one that there was no time to read is among them.

    A link that lies in a folder is not followed; one that is ``named`` itself is.
    """
    left = _Left()
    for file in files:
        if file.is_symlink() and file not in named:
            yield file, "cannot be read: a link, which is not followed"
        elif not left.takes(file):
            yield file, f"not read: catalog files of {MOST_BYTES >> 20} MiB were read before it"
        elif (reason := _reason(file)) is not None:
            yield file, reason


def _reason(file: Path) -> str | None:
    """Return why a catalog file is bad, or None."""
    try:
        if file.name == prices.FILE.name:
            prices.load(file)
            return None
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
        return f"{message}. {error.hint}" if error.hint else message
    return None


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
