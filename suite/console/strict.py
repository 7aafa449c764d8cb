"""What ``validate --strict`` prints: each run folder, whose it is, and what speaks against it."""

from collections.abc import Iterable

from suite import units
from suite.results.record import whose
from suite.results.storage.problems import Problem
from suite.results.strict.contribution import Contribution


def text(found: Iterable[Contribution]) -> str:
    """Return a line for each problem, then one for each folder."""
    lines = []
    for each in found:
        lines += [*map(str, each.problems), f"{each.folder}: {_verdict(each)}"]
    return "\n".join(map(units.printable, lines))


def markdown(found: Iterable[Contribution]) -> str:
    """Return a part for each folder; nothing that a stranger wrote becomes markup."""
    # Only this form needs it, and importing it takes time.
    from reports.text import markdown as markup

    parts = []
    for each in found:
        head = f"### {markup.code(str(each.folder))}\n\n{markup.paragraph(_verdict(each))}"
        rows = [(_within(each, problem), problem.reason) for problem in each.problems]
        parts.append(
            f"{head}\n\n{markup.table(('File', 'Problem'), rows, words=2)}" if rows else head
        )
    return "\n\n".join(parts)


def as_json(found: Iterable[Contribution]) -> list[dict[str, object]]:
    """Return it for a program: a mapping for each folder."""
    return [
        {
            "folder": str(each.folder),
            "records": len(each.records),
            "by": _whose(each),
            "problems": [
                {"path": problem.path, "line": problem.line, "reason": problem.reason}
                for problem in each.problems
            ],
        }
        for each in found
    ]


def _within(each: Contribution, problem: Problem) -> str:
    name = problem.path.removeprefix(f"{each.folder}/")
    return name if problem.line is None else f"{name}, line {problem.line}"


def _whose(each: Contribution) -> str | None:
    return next((record.origin.name for record in each.records if record.origin), None)


def _verdict(each: Contribution) -> str:
    """Return what the folder holds, and whether it may be taken in."""
    good = sum(record.outcome == "ok" for record in each.records)
    held = f"{units.counted(len(each.records), 'record')}, {units.count(good)} with numbers"
    if each.records:
        first = each.records[0]
        device = first.environment.gpu.name if first.environment.gpu else first.environment.cpu
        held = ", ".join(filter(None, (held, device, whose(first))))
    count = sum(problem.stands_for for problem in each.problems)
    if not count:
        return f"{held}: good, it may be taken in"
    return f"{held}: {units.counted(count, 'problem')}, it may not be taken in"
