"""The page of a model out of some records, and what its tables and charts say."""

import json
import math
from pathlib import Path

import msgspec

from reports.site.build import build
from suite.results.record import Record
from support import sites


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


def window(record: dict[str, object]) -> float:
    """Seconds from the begin of the first to the end of the last steady step of a record's JSON.

    Of made-up records, whose steps are at no time, their seconds and the waits between them.
    """
    places = [n for n, step in enumerate(record["steps"]) if step["role"] == "steady"]
    telemetry = record["telemetry"]
    spans = record["step_elapsed_seconds"] or (telemetry or {}).get("step_elapsed_seconds")
    steps = [record["steps"][place] for place in places]
    if spans:
        return spans[places[-1]][1] - spans[places[0]][0]
    seconds = [step["seconds"] for step in steps]
    waits = [step["data_seconds"] for step in steps[1:]]
    return math.fsum(seconds) + math.fsum(waits)


def computed(record: dict[str, object]) -> dict[str, float]:
    """What the tables of a model show of one record's JSON."""
    steps = [step for step in record["steps"] if step["role"] == "steady"]
    seconds = window(record)
    memory = {phase["name"]: phase["memory"] for phase in record["phases"]}
    padded = sum(step["tokens_padded"] for step in steps)
    return {
        "tokens": sum(step["tokens_real"] for step in steps) / seconds,
        "padded": padded / seconds,
        "step": seconds / len(steps),
        "share": 1 - sum(step["tokens_real"] for step in steps) / padded,
        "memory": max(memory[name]["allocated_peak_bytes"] for name in ("first_step", "steady")),
    }


def tokens_of(record: Record) -> float:
    """Real tokens per second of a record, from its JSON."""
    return computed(json.loads(msgspec.json.encode(record)))["tokens"]


def drawn(opened: sites.Page, figure: str) -> dict[str, dict[str, str]]:
    """The marks of the figure that says ``figure``, by what they say; texts are left out."""
    (box,) = [e for e in opened.all("figure") if figure in e.text]
    marks = [e for e in opened.all("title") if box in e.parents and e.parents[-1].tag == "path"]
    return {mark.text: mark.parents[-1].attributes for mark in marks}
