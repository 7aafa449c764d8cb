"""A real Chromium: where it is, how it starts, what it asked for, how a page is shown in it."""

import json
import os
import shutil
from collections.abc import Sequence
from importlib import resources, util
from pathlib import Path
from typing import Any

import pytest

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
needs_browser = pytest.mark.skipif(
    not (CHROMIUM and DRIVER and util.find_spec("selenium")),
    reason="needs selenium, chromium, chromedriver",
)
WIDTHS = (390, 1280)

Browser = Any  # selenium's Chrome, which has few types


def start(profile: Path) -> Browser:
    """Start a browser that asks nothing of the network by itself."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    for argument in (
        "--headless=new",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        f"--user-data-dir={profile}",
        *(["--no-sandbox"] if os.geteuid() == 0 else []),  # chromium's sandbox refuses root
    ):
        options.add_argument(argument)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    driver.get("about:blank")
    driver.get_log("performance")  # of the browser's own first page
    return driver


def size(browser: Browser, width: int, height: int = 900) -> None:
    """Give the page a window of this size in CSS pixels."""
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600},
    )


def scheme(browser: Browser, name: str) -> None:
    """Prefer "light" or "dark"."""
    features = [{"name": "prefers-color-scheme", "value": name}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def requests(browser: Browser) -> list[str]:
    """Return every address that was asked for since the last call."""
    messages = [json.loads(e["message"])["message"] for e in browser.get_log("performance")]
    sent = [m for m in messages if m["method"] == "Network.requestWillBeSent"]
    return [message["params"]["request"]["url"] for message in sent]


def serious(browser: Browser, *, rules: Sequence[str] = ()) -> list[str]:
    """Return what axe-core finds serious or critical on the open page: rule and element.

    ``rules`` are the only ones to look at, all where none is named.
    """
    axe = resources.files("axe_playwright_python") / "axe.min.js"
    # Without its own request for the style sheet, which the page's policy forbids, and without
    # what it found right: megabytes.
    options: dict[str, object] = {"preload": False, "resultTypes": ["violations"]}
    if rules:
        options["runOnly"] = list(rules)
    look = f"axe.run(document, {json.dumps(options)}).then((found) => found.violations)"
    # Through the debugger's protocol, so that the page's own policy has no say in it.
    for script in (axe.read_text(encoding="utf-8"), look):
        found = browser.execute_cdp_cmd(
            "Runtime.evaluate",
            {
                "expression": script,
                "awaitPromise": True,
                "returnByValue": script == look,
            },
        )
    assert "exceptionDetails" not in found, found
    return [
        f"{each['id']}: {node['html'][:160]}"
        for each in found["result"]["value"]
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]
