"""One browser for all tests of pages, and the sites of published results, which all read."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from reports.site.build import build, build_file
from suite.paths import RESULTS
from suite.results.storage.run_folder import read
from support import browsers, once


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[browsers.Browser]:
    driver = browsers.start(tmp_path_factory.mktemp("profile"))
    yield driver
    driver.quit()


@pytest.fixture(scope="session")
def published_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of all published results; nothing may be written to it."""
    return _site(tmp_path_factory, RESULTS)


@pytest.fixture(scope="session")
def h200_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of one GPU's published results, whatever else is published; the same holds."""
    return _site(tmp_path_factory, RESULTS / "h200-sxm")


@pytest.fixture(scope="session")
def published_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of all published results as one file; the same holds."""

    def make(folder: Path) -> None:
        folder.mkdir()
        build_file(read([RESULTS]), folder / "report.html")

    return once.made(tmp_path_factory, "file-of-results", make) / "report.html"


def _site(factory: pytest.TempPathFactory, results: Path) -> Path:
    return once.made(
        factory, f"site-of-{results.name}", lambda folder: build(read([results]), folder)
    )
