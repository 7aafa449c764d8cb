"""Every kind of page passes axe-core in both colour schemes; how each looks is kept as a picture.

Pictures go to ``build/screenshots`` (not in git), for people and for CI to keep.
"""

import base64
import shutil
from pathlib import Path

import msgspec
import pytest

from reports.site.build import build
from suite.paths import RESULTS, ROOT
from suite.results.storage.run_folder import read
from support import sites
from support.browsers import WIDTHS, Browser, needs_browser, scheme, serious, size

pytestmark = needs_browser
PICTURES = ROOT / "build" / "screenshots"
#: What may differ from one colour scheme to the other: all other rules look at the same elements.
COLOURS = ("color-contrast", "link-in-text-block")
SCHEMES: dict[str, tuple[str, ...]] = {"light": (), "dark": COLOURS}
HIGHEST = 8000  #: CSS pixels of a page that are in its picture


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Published results, of two cards and more, and a CPU run with failures."""
    real = read([RESULTS])
    ordinary = sites.ordinary()
    found = msgspec.structs.replace(
        real,
        records=(*real.records, *ordinary.records),
        plans=(*real.plans, *ordinary.plans),
        problems=ordinary.problems,
    )
    return build(found, tmp_path_factory.mktemp("accessible") / "site").parent


def kinds(site: Path) -> dict[str, Path]:
    """Return by name every page that is made once, and of each family the smallest and largest."""
    found = {path.stem: path for path in sorted(site.glob("*.html"))}
    for folder in sorted(path for path in site.iterdir() if path.is_dir()):
        by_size = sorted(folder.glob("*.html"), key=lambda path: (path.stat().st_size, path.name))
        if by_size:
            found |= {f"{folder.name}-smallest": by_size[0], f"{folder.name}-largest": by_size[-1]}
    return found


def test_axe_finds_nothing_serious(browser: Browser, site: Path) -> None:
    """Contrast, names, roles and structure hold on every kind of page; colours in the dark too."""
    size(browser, 1280)
    wrong = []
    for kind, path in kinds(site).items():
        browser.get(path.as_uri())
        for name, rules in SCHEMES.items():
            scheme(browser, name)
            wrong += [f"{kind}, {name}: {each}" for each in serious(browser, rules=rules)]
    assert wrong == []
    browser.execute_script("document.querySelector('main').style.color = '#333'")
    assert {each.split(":")[0] for each in serious(browser, rules=COLOURS)} == {"color-contrast"}
    browser.execute_script("document.querySelector('main').style.color = ''")
    browser.execute_script(
        "document.querySelector('main').append(document.createElement('input'))"
    )
    assert [each.split(":")[0] for each in serious(browser)] == ["label"], "it does look"


def test_axe_finds_nothing_serious_in_the_open_list_of_columns(
    browser: Browser, site: Path
) -> None:
    """Filters in use, columns to choose and an empty table are no worse than the page at rest."""
    for name in SCHEMES:
        scheme(browser, name)
        size(browser, 390)
        browser.get((site / "all-results.html").as_uri() + "?all.find=nothing&all.sort=-rate")
        browser.find_element("css selector", ".columns summary").click()
        assert serious(browser) == []


def test_each_page_has_its_picture(browser: Browser, site: Path) -> None:
    """At both widths the whole page is drawn, and no wider than the window."""
    shutil.rmtree(PICTURES, ignore_errors=True)
    PICTURES.mkdir(parents=True)
    scheme(browser, "light")
    for kind, path in kinds(site).items():
        for width in WIDTHS:
            size(browser, width)
            browser.get(path.as_uri())
            metrics = browser.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
            assert metrics["width"] <= width, f"{path.name} scrolls sideways at {width}"
            clip = {"x": 0, "y": 0, "width": width, "scale": 1}
            clip["height"] = min(metrics["height"], HIGHEST)
            drawn = browser.execute_cdp_cmd(
                "Page.captureScreenshot", {"clip": clip, "captureBeyondViewport": True}
            )
            place = PICTURES / f"{kind}-{width}.png"
            place.write_bytes(base64.b64decode(drawn["data"]))
            assert place.stat().st_size > 10_000, "a page with text is no blank"
