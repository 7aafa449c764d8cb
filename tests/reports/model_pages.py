"""The page of a model out of some records, and what its tables and charts say."""

import json
import statistics
from pathlib import Path

import msgspec
import sites

from reports.build import build
from suite.results.record import Record


def page(folder: Path, *found: Record, name: str = "qwen3-8b") -> sites.Page:
    """The page of one model out of a site of these records."""
    site = build(sites.collection(*found), folder / "site").parent
    return sites.Page(site / "models" / f"{name}.html")


def rows(opened: sites.Page, anchor: str = "") -> list[dict[str, sites.Element]]:
    """Rows of a page's tables as cells by heading; ``anchor`` is that of the section."""
    found = []
    for table in opened.all("table"):
        around = [parent.attributes.get("aria-labelledby") for parent in table.parents]
        if anchor and anchor not in around:
            continue
        head = [e.text for e in opened.all("th") if table in e.parents and "scope" in e.attributes]
        head = [text for text in head if text]
        for row in opened.all("tr"):
            if table in row.parents:
                cells = [e for e in opened.elements if row in e.parents and e.tag in ("th", "td")]
                found.append(dict(zip(head, cells, strict=False)))
    return found


def titles(opened: sites.Page) -> list[str]:
    """What the marks of a page's charts say."""
    return [e.text for e in opened.all("title") if any(p.tag == "svg" for p in e.parents)]


def per_second(steps: list[dict[str, object]], key: str) -> float:
    """Tokens a second: the median over steps, or all over all where steps differ in tokens."""
    tokens, seconds = ([step[name] for step in steps] for name in (key, "seconds"))
    if len(set(tokens)) > 1:
        return sum(tokens) / sum(seconds)
    return statistics.median(a / b for a, b in zip(tokens, seconds, strict=True))


def computed(record: dict[str, object]) -> dict[str, float]:
    """What the tables of a model show of one record's JSON."""
    steps = [step for step in record["steps"] if step["role"] == "steady"]
    memory = {phase["name"]: phase["memory"] for phase in record["phases"]}
    padded = sum(step["tokens_padded"] for step in steps)
    return {
        "tokens": per_second(steps, "tokens_real"),
        "padded": per_second(steps, "tokens_padded"),
        "step": statistics.median(step["seconds"] for step in steps),
        "share": 1 - sum(step["tokens_real"] for step in steps) / padded,
        "memory": max(memory[name]["allocated_peak_bytes"] for name in ("first_step", "steady")),
    }


def tokens_of(record: Record) -> float:
    """Real tokens per second of a record, from its JSON."""
    steps = json.loads(msgspec.json.encode(record))["steps"]
    return per_second([step for step in steps if step["role"] == "steady"], "tokens_real")


def drawn(opened: sites.Page, figure: str) -> dict[str, dict[str, str]]:
    """The marks of a figure by what they say, as attributes; texts are left out."""
    (box,) = [e for e in opened.all("figure") if e.text.startswith(figure)]
    marks = [e for e in opened.all("title") if box in e.parents and e.parents[-1].tag == "path"]
    return {mark.text: mark.parents[-1].attributes for mark in marks}
