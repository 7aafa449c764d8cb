"""The pages of models say what the records say, and lose no failure."""

import json
import re
import statistics
from pathlib import Path
from typing import Any

import msgspec
import pytest

from reports.export.markdown import markdown
from reports.pages.model import page as model_view
from reports.site.build import build
from suite import paths, units
from suite.results.metrics import all_metrics
from suite.results.record import seal
from suite.results.storage.run_folder import read
from suite.results.validity.comparable import TIMED_ALIKE_SINCE
from support import cards, gpu_records, records, sites
from support.model_pages import computed, page, rows, titles, tokens_of

#: One card, whatever else is published.
RESULTS = paths.RESULTS / "h200-sxm"
HOSTILE = '"></title></svg><script>alert(1)</script>'


@pytest.fixture(scope="module")
def published(h200_site: Path) -> Path:
    return h200_site


def test_the_numbers_are_those_of_the_records(published: Path) -> None:
    """Each linked number of published results is the median of its repeats' JSON files.

    They are of one package set and of one worker, which may be of several sessions.
    """
    found = [json.loads(path.read_text()) for path in (published / "records").glob("*.json")]
    launches: dict[tuple[str, ...], list[dict[str, object]]] = {}
    for record in found:
        if record["outcome"] == "ok":
            launches.setdefault(repeated(record), []).append(record)
    seen = 0
    for path in sorted((published / "models").glob("*.html")):
        opened = sites.Page(path)
        said = " ".join(titles(opened))
        for data in opened.all("data"):
            if data.attributes.get("class") == "ratio":
                continue
            if any("dotplot" in parent.attributes.get("class", "") for parent in data.parents):
                continue  # the plots of the first page, which have tests of their own
            href = data.parents[-1].attributes["href"]
            record = json.loads((path.parent / href).with_suffix(".json").read_text())
            each = [computed(one) for one in launches[repeated(record)]]
            medians = {name: statistics.median(one[name] for one in each) for name in each[0]}
            value = float(data.attributes["value"])
            assert value in medians.values()
            if value == medians["tokens"]:
                assert units.rate(value, "token/s") in said, "the chart says the same number"
                seen += 1
    assert seen >= 18


def repeated(record: dict[str, Any]) -> tuple[str, ...]:
    versions = json.dumps(record["environment"]["versions"]["packages"], sort_keys=True)
    mended = str(record["schema"] >= TIMED_ALIKE_SINCE)
    return record["profile"], record["case_id"], mended, versions


def test_ratios_are_those_of_two_records(published: Path) -> None:
    """The ratio is the mean of pairs of one launch, in table and chart; without a pair, none."""
    opened = sites.Page(published / "models" / "qwen3-8b.html")
    found = [json.loads(path.read_text()) for path in (published / "records").glob("*.json")]
    at = {
        (each["case_id"], each["run_id"], each["launch"]): computed(each)["tokens"]
        for each in found
        if each["outcome"] == "ok" and each["schema"] >= 3
    }
    (row,) = [r for r in rows(opened, "work-1") if r["Method"].text == "Unsloth LoRA"]
    seen = 0
    for heading, base in (
        ("Speed vs LoRA", "lora"),
        ("Speed vs PEFT + Liger", "lora-liger"),
        ("Speed vs naive LoRA", "lora-naive"),
    ):
        pairs = [
            tokens / at[f"qwen3-8b-{base}", *place]
            for (case_id, *place), tokens in at.items()
            if case_id == "qwen3-8b-unsloth-lora" and (f"qwen3-8b-{base}", *place) in at
        ]
        ratios = [e for e in opened.all("data") if row[heading] in e.parents]
        if not pairs:
            assert not ratios
            continue
        (data,) = ratios
        ratio = statistics.geometric_mean(pairs)
        assert float(data.attributes["value"]) == pytest.approx(ratio, rel=1e-12)
        digits = 1 if len(pairs) == 1 else 2
        assert any(
            re.match("Unsloth LoRA vs ", text) and f": {ratio:.{digits}f}×" in text
            for text in titles(opened)
        )
        seen += 1
    assert seen


def test_what_is_said_of_lengths_and_padding_is_what_the_tables_of_runs_say(
    published: Path,
) -> None:
    """One sentence for each engine and its reference, the same on the page and in Markdown."""
    pages = [sites.Page(path).text for path in (published / "models").glob("*.html")]
    found = read([RESULTS])
    said = [
        line
        for only in ("sequence", "padding")
        for line in markdown(found, only).splitlines()
        if line.startswith("Speed of ") or "as fast as" in line
    ]
    assert said
    for line in said:
        assert any(line in page for page in pages)


def test_an_even_load_of_experts_is_said_where_its_times_stand(published: Path) -> None:
    """On the model's page, its records' and in its run's tables; of a dense model nowhere."""
    said = "a random router spreads tokens almost evenly"
    assert said in sites.Page(published / "models" / "gpt-oss-120b.html").text
    assert said not in sites.Page(published / "models" / "qwen3-8b.html").text
    for path in (published / "records").glob("*.json"):
        found = json.loads(path.read_text())
        sparse = found["model"] == "gpt-oss-120b" and found["weights"].startswith("dummy")
        assert (said in path.with_suffix(".html").read_text(encoding="utf-8")) == sparse
    runs = markdown(read([RESULTS]), "comparison").split("### NVIDIA")
    for run in runs:
        assert (said in run) == ("#### GPT-OSS-120B" in run)


def test_a_baseline_of_another_run_is_none(tmp_path: Path) -> None:
    """Ratios stay within a run; beside each other, rows of two runs say what is not the same."""
    older = gpu_records.record(run_id="older", started_at="2026-11-01T00:00:00Z")
    newer = gpu_records.record(method="unsloth-lora", run_id="newer", seconds=0.05)
    versions = records.environment().versions
    other = msgspec.structs.replace(versions, packages={"torch": "9.9.9", "peft": "0.21.2"})
    around = msgspec.structs.replace(newer.environment, versions=other)
    newer = seal(msgspec.structs.replace(newer, environment=around))
    opened = page(tmp_path, older, newer)
    assert not [e for e in opened.all("data") if e.attributes.get("class") == "ratio"]
    (note,) = [e.text for e in opened.all("p") if e.attributes.get("class") == "warning"]
    either = ("newer, older", "older, newer")
    assert any(f"rows come from 2 sessions ({runs})" in note for runs in either)
    assert "torch (2.13.0, 9.9.9)" in note
    assert "peft" not in note


@pytest.mark.parametrize("outcome", ["oom", "unsupported", "invalid", "timeout"])
def test_failures_stay_in_words(tmp_path: Path, outcome: str) -> None:
    """A case without numbers is in the chart, its table and the list, each time with its page."""
    bad = gpu_records.failed(method="qlora", outcome=outcome, reason="because of this")
    opened = page(tmp_path, gpu_records.record(), bad)
    word = {"oom": "Out of memory", "unsupported": "Not supported"}.get(outcome)
    word = word or {"invalid": "Invalid", "timeout": "Timed out"}[outcome]
    assert any(text.startswith("QLoRA, ") and word in text for text in titles(opened))
    for anchor in ("work-1", "failed"):
        (row,) = [r for r in rows(opened, anchor) if r["Method"].text == "QLoRA"]
        said = " ".join(cell.text for cell in row.values())
        assert word in said
        assert "because of this" in said
    links = [e.attributes["href"] for e in opened.all("a") if word in e.text]
    assert set(links) == {f"../records/{bad.record_id}.html"}


def test_launches_and_their_range_are_said(tmp_path: Path) -> None:
    """The median of three launches stands with its range; one launch says that it is one."""
    found = [gpu_records.record(launch=n, seconds=0.1 + 0.01 * n) for n in (1, 2, 3)]
    opened = page(tmp_path, *found, gpu_records.record(method="qlora"))
    low, middle, high = sorted(map(tokens_of, found))
    by_method = {row["Method"].text: row for row in rows(opened, "work-1") if "Method" in row}
    (data,) = [e for e in opened.all("data") if by_method["LoRA"]["Token/s"] in e.parents]
    assert data.attributes["value"] == repr(middle)
    span = f"{units.rate(low, '').strip()}–{units.rate(high, '').strip()}"
    assert span in by_method["LoRA"]["Token/s"].text
    assert by_method["LoRA"]["Repeats"].text == "3 repeats"
    assert by_method["QLoRA"]["Repeats"].text == "1 repeat"
    assert "1 to 3 repeats of each" in opened.text


def test_what_is_not_pooled_is_named_with_its_number(tmp_path: Path) -> None:
    """What the same case gave when it was timed the older way stands below, with its record."""
    older = [
        msgspec.structs.replace(
            gpu_records.record(
                launch=n, run_id="older", started_at="2026-11-01T00:00:00Z", seconds=0.3
            ),
            schema=2,
        )
        for n in (1, 2)
    ]
    newer = [
        gpu_records.record(method=method, run_id="newer", started_at="2026-11-02T00:00:00Z")
        for method in ("lora", "qlora")
    ]
    opened = page(tmp_path, *older, *newer)
    (link,) = [e for e in opened.all("a") if e.text.startswith("also ")]
    rate = units.rate(tokens_of(older[0]), "token/s")
    assert link.text == f"also {rate}, 2 repeats, session older"
    assert link.attributes["href"] == f"../records/{older[0].record_id}.html"


@pytest.mark.parametrize("count", [0, 2])
def test_every_card_is_there(tmp_path: Path, count: int) -> None:
    """With one card and with three, each card's numbers are in a bar, a row and its own charts."""
    ours = [gpu_records.record(), gpu_records.record(method="unsloth-lora", seconds=0.07)]
    theirs = cards.many(ours, [f"card-{number}" for number in range(count)])
    opened = page(tmp_path, *ours, *theirs)
    said, listed = titles(opened), rows(opened, "work-1")
    for record in (*ours, *theirs):
        tokens = tokens_of(record)
        card = record.profile if record.hardware is None else record.hardware.title
        card = "NVIDIA H200 SXM" if card == "h200-sxm" else card
        error = all_metrics()["step_seconds_error"].compute(record)
        assert error is not None
        known = f"± {units.percent(error)}"
        rate = f"{units.rate(tokens, 'token/s')} {known}"
        assert f"{record.case.method.title}, {card}: {rate}; 1 repeat" in said
        assert any(
            (row["Method"].text, row["GPU"].text) == (record.case.method.title, card)
            and row["Token/s"].text == f"{units.rate(tokens, '').strip()} {known}"
            for row in listed
        )
    shown = [e.text for e in opened.all("figcaption")]
    assert len([text for text in shown if "Memory vs" in text]) == 1 + count
    assert len([text for text in shown if "Speed vs each baseline" in text]) == 1 + count


def test_charts_do_not_grow_with_records(tmp_path: Path) -> None:
    """Ten launches are drawn by as many charts as one."""
    one = page(tmp_path / "a", gpu_records.record(), gpu_records.record(method="qlora"))
    many = page(
        tmp_path / "b",
        *(gpu_records.record(launch=n, method=m) for n in range(1, 6) for m in ("lora", "qlora")),
    )
    assert len(one.all("figure")) == len(many.all("figure")) > 0


def test_what_is_not_drawn_is_said_and_in_its_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Past the page's number of charts each work still has its numbers, and says why no chart."""
    monkeypatch.setattr(model_view, "MOST_CHARTS", 2)
    base = gpu_records.record()
    made = [
        seal(msgspec.structs.replace(base, case=msgspec.structs.replace(base.case, seed=seed)))
        for seed in range(1, 5)
    ]
    made = [msgspec.structs.replace(each, run_id=f"run-{n}") for n, each in enumerate(made)]
    opened = page(tmp_path, *map(seal, made))
    drawn = [e.text for e in opened.all("figcaption") if "Tokens per second" in e.text]
    unsaid = [e.text for e in opened.all("p") if e.text.startswith("Not drawn: ")]
    assert (len(drawn), len(unsaid)) == (2, 2)
    for place in range(1, 5):
        assert [row["Token/s"].text for row in rows(opened, f"work-{place}")]


def test_every_model_is_found_from_the_results(published: Path) -> None:
    """The first page links each model's page, and no link is broken."""
    index = sites.Page(published / "index.html")
    linked = {each.attributes.get("href", "") for each in index.all("a")}
    made = {f"models/{path.name}" for path in (published / "models").iterdir()}
    assert made <= linked
    assert sites.broken_links(published) == []


def test_losses_that_differ_are_said_in_the_chart(tmp_path: Path) -> None:
    """A row that is fast because it does something else says so where it is drawn."""
    wrong = gpu_records.record(method="unsloth-lora", seconds=0.01, loss=7.9)
    opened = page(tmp_path, gpu_records.record(), wrong)
    assert any(t.startswith("Unsloth LoRA, ") and "losses differ" in t for t in titles(opened))


def test_hostile_names_stay_text_and_name_no_file(tmp_path: Path) -> None:
    """Names of a stranger's record are labels in charts and tables, and never paths."""
    good, case = gpu_records.record(), gpu_records.record().case
    bad = msgspec.structs.replace(
        case,
        model=msgspec.structs.replace(case.model, name="../../x", title=HOSTILE, license=HOSTILE),
        method=msgspec.structs.replace(case.method, name=HOSTILE, title=HOSTILE),
    )
    found = [
        seal(msgspec.structs.replace(good, case=bad, run_id=HOSTILE, profile=HOSTILE)),
        *(
            seal(msgspec.structs.replace(good, case=bad, profile=f"{HOSTILE}{n}", run_id=f"{n}"))
            for n in range(2)
        ),
    ]
    folder = build(sites.collection(*found), tmp_path / "out" / "site").parent
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    (path,) = (folder / "models").iterdir()
    assert re.fullmatch(r"model-[0-9a-f]{16}\.html", path.name)
    opened = sites.Page(path)
    assert opened.all("figure")
    assert len(opened.all("script")) == 1, "the page's own"
    assert not [a for e in opened.elements for a in e.attributes if a.startswith(("on", "style"))]
    assert any(HOSTILE[:20] in text for text in titles(opened))


def test_two_models_of_one_name_have_two_pages(tmp_path: Path) -> None:
    """Records that say other facts of a model are not mixed with it."""
    record = gpu_records.record()
    other = msgspec.structs.replace(record.case.model, license="another")
    case = msgspec.structs.replace(record.case, model=other)
    found = [record, seal(msgspec.structs.replace(record, case=case, run_id="other"))]
    folder = build(sites.collection(*found), tmp_path / "site").parent
    names = sorted(path.name for path in (folder / "models").iterdir())
    assert len(names) == 2
    assert "qwen3-8b.html" in names
