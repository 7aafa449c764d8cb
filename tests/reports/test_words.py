"""Pages say what readers already know: no private word stands in their visible text."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from reports.site.build import build
from suite.paths import RESULTS
from suite.results.storage.run_folder import read

#: Words that pages had, as patterns, and what they say instead.
PLAIN = {
    r"rows of one length": "fixed-length sequences",
    r"rows of real lengths": "real-length sequences",
    r"rungs?": "baseline",
    r"(?<!tier )ladders?": "baselines",
    # Sources and records of today keep their own words.
    r"(?<!GeForce )(?<!workstation )cards?(?! without sharding)": "GPU",
    r"(?<!kernel )launch(?:es)?": "repeat",
    r"projected|projections?": "estimated",
    r"perhaps": "borderline",
}
#: Addresses of records and files, which keep the words that results are stored by.
NAMES = re.compile(r"\S*[/_]\S*|\S*\.(?:html|json|jsonl|toml|py|md|svg)\b|--\S+")
UNREAD = {"code", "pre", "script", "style"}


class _Text(HTMLParser):
    """What a reader sees of a page, code and file names left out."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._unread = 0
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, _: object) -> None:
        self._unread += tag in UNREAD

    def handle_endtag(self, tag: str) -> None:
        self._unread -= tag in UNREAD

    def handle_data(self, data: str) -> None:
        if not self._unread:
            self.parts.append(data)

    @property
    def words(self) -> str:
        return NAMES.sub("", " ".join(" ".join(self.parts).split()))


def _found(page: Path) -> list[str]:
    """Return each private word of a page in its surroundings, with the plain one."""
    text = _Text(page).words
    found = []
    for word, plain in PLAIN.items():
        for match in re.finditer(rf"(?<![-\w]){word}(?![-\w])", text, re.IGNORECASE):
            around = text[max(0, match.start() - 40) : match.end() + 40]
            found.append(f"{match.group()!r}, say {plain!r}: …{around}…")
    return found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(read([RESULTS]), tmp_path_factory.mktemp("site") / "site").parent


def test_pages_have_no_private_words(site: Path) -> None:
    """What one person made up, others have to look up."""
    listed = sorted(site.rglob("*.html"))
    assert len(listed) > 20
    found = {page.relative_to(site).as_posix(): said for page in listed if (said := _found(page))}
    shown = [f"{page}: {said[0]}" for page, said in found.items()]
    assert not found, "\n".join(shown[:40])


def test_a_private_word_is_seen(tmp_path: Path) -> None:
    """In text it is found; in code, in an attribute and as a file's name it may stand."""
    page = tmp_path / "page.html"
    page.write_text('<p title="card">One <b>card</b>, 2 Launches</p>', encoding="utf-8")
    assert len(_found(page)) == 2
    page.write_text(
        "<p>20 k kernel launches, <code>--launches 3</code>, card-against-card.html</p>",
        encoding="utf-8",
    )
    assert _found(page) == []
