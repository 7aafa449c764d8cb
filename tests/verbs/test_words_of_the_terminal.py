"""Help, progress, tables, errors and verdicts say what readers already know."""

import ast
import re
from collections.abc import Iterator

import pytest

from suite.catalog.tier import names
from suite.cli import VERBS, main
from suite.paths import ROOT
from suite.verbs.list import NOUNS
from support.plain_words import private_words

#: Texts that keep a word, by file, and why.
KEPT = {
    "suite/results/notes.py": ("not steady after", "how notes of records before schema 3 begin"),
    "suite/worker/run_case.py": ("dummy seed", "what a record's field says"),
    "reports/text/phrases.py": ("dummy seed", "what a record's field says"),
    "suite/results/redaction/scrub.py": ("case case_id", "names of a record's fields"),
}
#: A text has two words; one word alone is a name, except at the head of a table.
TEXT = re.compile(r"[A-Za-z]{2,}[,.:;]? [A-Za-z{0-9]")
HEADERS = re.compile(r"_?(HEADERS?|header)")
LABELS = {"Launch", "Launches", "Run", "Runs", "Work", "Works", "Loop", "Card", "Cards"}
LABELS |= {each.lower() for each in LABELS}


def _text(node: ast.expr) -> str | None:
    """Return a constant's text, or an f-string's with its expressions in braces."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else "{0}" for part in node.values
        )
    return None


def _unread(tree: ast.Module) -> set[int]:
    """Return the nodes that are no text of their own: docstrings, and parts of f-strings."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            found.add(id(node.value))
        if isinstance(node, ast.JoinedStr):
            found |= {id(part) for part in ast.walk(node) if part is not node}
    return found


def _texts(source: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of every string that a person may read."""
    tree = ast.parse(source)
    unread = _unread(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.expr) and id(node) not in unread:
            text = _text(node)
            if text is not None and TEXT.search(text):
                yield node.lineno, text


def _headers(source: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the words at the head of every table."""
    for node in ast.walk(ast.parse(source)):
        heads: list[ast.expr] = []
        if isinstance(node, ast.Assign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(each, ast.Name) and HEADERS.fullmatch(each.id) for each in targets):
                heads.append(node.value)
        if isinstance(node, ast.Call) and node.args:
            called = node.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            heads += node.args[:1] if name in ("show", "table") else []
        for head in heads:
            for each in ast.walk(head):
                if isinstance(each, ast.Constant) and isinstance(each.value, str):
                    yield each.lineno, each.value


def _found(source: str, keep: str = "\0") -> list[str]:
    """Return each private word of a module's texts, but for those that begin as ``keep`` does."""
    found = [
        f"{line}: {said}"
        for line, text in _texts(source)
        if not text.strip().startswith(keep)
        for said in private_words(text)
    ]
    return found + [f"{line}: {word!r}" for line, word in _headers(source) if word in LABELS]


def test_no_text_of_the_code_has_a_private_word() -> None:
    """What one person made up, others have to look up."""
    found = []
    for path in sorted([*(ROOT / "suite").rglob("*.py"), *(ROOT / "reports").rglob("*.py")]):
        name = path.relative_to(ROOT).as_posix()
        keep, _ = KEPT.get(name, ("\0", ""))
        source = path.read_text(encoding="utf-8")
        found += [f"{name}:{said}" for said in _found(source, keep)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_no_help_has_a_private_word(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    """As it is printed: with defaults, and with the names that options take."""
    assert main([*filter(None, [verb]), "--help"]) == 0
    assert private_words(capsys.readouterr().out) == []


@pytest.mark.parametrize("noun", NOUNS)
def test_no_list_has_a_private_word(noun: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Titles and summaries are in the catalog's files; the names of tiers are names."""
    assert main(["list", noun]) == 0
    listed = re.sub(rf"\b({'|'.join(names())})\b", "", capsys.readouterr().out)
    assert private_words(listed) == []


@pytest.mark.parametrize(("path", "kept"), [(path, kept) for path, (kept, _) in KEPT.items()])
def test_what_is_kept_is_still_there(path: str, kept: str) -> None:
    """An exception that nothing needs hides the next private word."""
    source = (ROOT / path).read_text(encoding="utf-8")
    assert len(_found(source)) > len(_found(source, kept))


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ('say(f"{number} launches on this card")', 2),
        ('"""One launch on a card."""\nsay("kernel launches a second")', 0),
        ('say("./tunebench run --launches 5 --loop bare --weights dummy")', 0),
        ('raise BadInput("a run holds no record")', 2),
        ('say("nothing runs here, and it did not run")', 0),
        ('say(f"readings are {units.percent(share)} apart")', 1),
        ('kind = "launch" if card else "loop"', 0),
        ('HEADER = ["case", "launches"]', 1),
        ('tables.show(("case", "loop"), rows)', 1),
    ],
)
def test_a_private_word_is_seen(source: str, count: int) -> None:
    """In texts and heads of tables; names, options and docstrings keep theirs."""
    assert len(_found(source)) == count, _found(source)
