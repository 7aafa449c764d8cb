"""The site says what the records say, in numbers and in words, and stands by itself."""

import json
import math
import statistics
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from reports.analysis.dataset import load
from reports.sections import summary
from reports.site.build import build, build_file
from reports.site.place import MARKER, new_site
from reports.text.blocks import Table
from suite.errors import BadInput, WrongMachine
from suite.paths import RESULTS, ROOT
from suite.results.record import seal
from suite.results.storage.run_folder import read
from support import records, sites


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(sites.ordinary(), tmp_path_factory.mktemp("report") / "site").parent


def test_the_numbers_are_those_of_the_records(site: Path) -> None:
    """The overview's figures equal what anyone computes from the JSON files beside it."""
    found = [json.loads(path.read_text()) for path in (site / "records").glob("*.json")]
    medians = []
    for record in found:
        if (record["model"], record["method"]) == ("tiny-qwen3", "lora"):
            steady = [step for step in record["steps"] if step["role"] == "steady"]
            tokens = sum(step["tokens_real"] for step in steady)
            waits = math.fsum(step["data_seconds"] for step in steady[1:])
            medians.append(tokens / (math.fsum(step["seconds"] for step in steady) + waits))
    values = [e.attributes["value"] for e in sites.Page(site / "runs.html").all("data")]
    assert len(medians) == 2
    assert repr(statistics.median(medians)) in values


def test_every_number_leads_to_its_record(site: Path) -> None:
    """Measured numbers of the overview are links to record pages; ratios are made of two."""
    page = sites.Page(site / "runs.html")
    for number in page.all("data"):
        if number.attributes.get("class") != "ratio":
            assert number.parents[-1].attributes["href"].startswith("records/")


def test_all_links_resolve_within_the_site(site: Path) -> None:
    """Nothing points outside, to a missing file or to a missing place on a page."""
    assert sites.broken_links(site) == []


def test_pages_are_well_formed_and_accessible(site: Path) -> None:
    """Language, one main heading, captions, header cells with a scope, no id twice."""
    sites.assert_well_formed(sites.pages(site))


def test_a_missing_number_is_words(site: Path) -> None:
    """Unsupported, out of memory, not planned yet: said, with the reason, and never a zero."""
    page = sites.Page(site / "runs.html")
    assert "Not supported why not" in page.row("QLoRA", table=1)
    assert "Out of memory while loading the weights" in page.row("Full fine-tuning", table=1)
    assert "Not run yet" in page.row("QLoRA", table=0)
    assert "Not run yet" in page.row("Unsloth LoRA", table=1)


def test_rows_say_ratio_baseline_parity_and_launches(site: Path) -> None:
    """Each with its meaning: what against, what differs, how many launches and their range."""
    page = sites.Page(site / "runs.html")
    assert "baseline" in page.row("LoRA")
    row = page.row("Unsloth LoRA")
    assert "2.15× LoRA" in row  # 0.215 s against 0.1 s
    assert "agrees identical losses" in row
    assert "2 repeats 1 2" in row
    assert "no ratio it trains every parameter, LoRA adapters only" in page.row("Full fine-tuning")
    wrong = page.row("Unsloth QLoRA")
    assert "no reference qlora did not run the same workload in this repeat" in wrong
    assert "x.json:3: foreign JSON" in sites.Page(site / "index.html").text
    assert "Random weights" in page.text


def test_settings_that_differ_stand_beside_the_ratio(tmp_path: Path) -> None:
    """The ratio names how many effective settings differ, and the page has them all."""
    other = records.effective(attention="flash", loss_kernel="fused")
    found = sites.collection(
        records.record(), records.record(method="unsloth-lora", effective=other)
    )
    page = sites.Page(build(found, tmp_path / "site").with_name("runs.html"))
    assert "LoRA · 3 settings differ" in page.row("Unsloth LoRA")
    titles = [link.attributes.get("title") for link in page.all("a")]
    assert "engine, attention, loss kernel" in titles
    assert "attention sdpa flash" in page.text


def test_a_wrong_run_shows_in_the_matrix(tmp_path: Path) -> None:
    """A fast run whose losses differ does not look like a good one at a glance."""
    found = sites.collection(
        records.record(),
        records.record(method="unsloth-lora", loss=7.0),
        records.record("tiny-gpt-oss"),
    )
    page = sites.Page(build(found, tmp_path / "site").with_name("runs.html"))
    (matrix,) = [t for t in page.all("table") if t.attributes.get("class") == "matrix"]
    assert "losses differ" in matrix.text
    assert "differs first loss is 13 % away, over 0.05 %" in page.text


def test_launches_that_failed_are_said_beside_those_that_did_not(tmp_path: Path) -> None:
    """One killed launch of three neither vanishes nor spoils the number."""
    found = sites.collection(
        records.record(launch=1),
        records.failed(launch=2, outcome="killed", phase="steady", reason="signal 9"),
        records.record(launch=3),
    )
    row = sites.Page(build(found, tmp_path / "site").with_name("runs.html")).row("LoRA")
    assert "2 of 3 repeats 1 2 3 repeat 2: killed in the steps after the first" in row


def test_runs_are_kept_apart(tmp_path: Path) -> None:
    """The same case in two runs is two rows, never one with twice the launches; newest first."""
    found = sites.collection(
        records.record(run_id="old", started_at="2026-11-01T00:00:00Z"),
        records.record(run_id="new", started_at="2026-11-02T00:00:00Z"),
    )
    page = sites.Page(build(found, tmp_path / "site").with_name("runs.html"))
    assert "1 repeat" in page.row("LoRA", table=0)
    assert "1 repeat" in page.row("LoRA", table=1)
    assert page.text.index("2026-11-02") < page.text.index("2026-11-01")


def test_a_run_that_changed_under_way_says_so(tmp_path: Path) -> None:
    """Resuming after an upgrade mixes versions; the page warns."""
    environment = records.environment()
    assert environment.versions is not None
    newer = msgspec.structs.replace(
        environment,
        versions=msgspec.structs.replace(environment.versions, packages={"torch": "9"}),
    )
    found = sites.collection(records.record(), records.record(launch=2, environment=newer))
    page = sites.Page(build(found, tmp_path / "site").with_name("runs.html"))
    assert "torch changed within this session: 2.13.0, 9" in page.text


def test_a_plan_without_records_is_a_page(tmp_path: Path) -> None:
    """A run that has just begun is shown as planned."""
    found = sites.collection(plans=(records.plan(),))
    page = sites.Page(build(found, tmp_path / "site").with_name("runs.html"))
    assert "Not run yet" in page.row("LoRA")


def test_a_record_page_holds_the_raw_samples(site: Path) -> None:
    """Steps, losses, phases, settings and checks stand there as measured."""
    path = next(p for p in (site / "records").glob("*.json") if "unsloth-lora" in p.read_text())
    record, page = json.loads(path.read_text()), sites.Page(path.with_suffix(".html"))
    values = [e.attributes["value"] for e in page.all("data")]
    for step in record["steps"]:
        assert repr(step["seconds"]) in values
        assert repr(step["loss"]) in values
    assert "147,456 as expected" in page.text
    assert "runs on the CPU" in page.text, "why a peak is unknown"
    assert len(page.all("svg")) == 2
    assert "./tunebench run --profile cpu" in page.text
    assert any(link.attributes["href"] == path.name for link in page.all("a"))


def test_the_json_beside_a_page_is_the_record(site: Path) -> None:
    """What is linked reads back as the very same record."""
    expected = {record.record_id: record for record in sites.ordinary().records}
    for path in (site / "records").glob("*.json"):
        decoded = msgspec.json.decode(path.read_bytes(), type=type(expected[path.stem]))
        assert decoded == expected[path.stem]


HOSTILE = "</script></style><script>alert(1)</script><img src=x onerror=alert(1)>\"' javascript:x"


def test_strangers_text_is_escaped_everywhere(tmp_path: Path) -> None:
    """Markup in any text of a record stays text; names of files come from the digest alone."""
    case = records.case()
    hostile_case = msgspec.structs.replace(
        case,
        case_id="../../x" + HOSTILE,
        model=msgspec.structs.replace(case.model, title=HOSTILE, name=HOSTILE),
        method=msgspec.structs.replace(case.method, title=HOSTILE, name=HOSTILE, summary=HOSTILE),
    )
    environment = msgspec.structs.replace(
        records.environment(), cpu=HOSTILE, unavailable={HOSTILE: HOSTILE}
    )
    common = {"case": hostile_case, "run_id": "../" + HOSTILE, "profile": HOSTILE}
    good = records.record(
        **common,
        environment=environment,
        weights=HOSTILE,
        effective=records.effective(attention=HOSTILE, others={HOSTILE: HOSTILE}),
        output_tail=(HOSTILE, "x" * 1_000_000),
        notes=(HOSTILE,),
    )
    bad = records.failed(**common, launch=2, reason=HOSTILE + "y" * 100_000)
    found = msgspec.structs.replace(
        sites.collection(good, bad), sources={good.record_id: "javascript:alert(1)"}
    )
    folder = tmp_path / "out" / "site"
    build(found, folder)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert sites.broken_links(folder) == []
    for page in sites.pages(folder):
        scripts = [e.text for e in page.all("script") if "type" not in e.attributes]
        assert scripts == [""], "the shared file alone"
        assert not page.all("img")
        assert not [a for e in page.elements for a in e.attributes if a.startswith("on")]
        assert page.path.stat().st_size < 200_000
    assert "<script>alert(1)" in sites.Page(folder / "runs.html").text, "shown as text"


def test_extreme_but_valid_numbers_do_not_break_the_site(tmp_path: Path) -> None:
    """The longest and shortest times, the largest counts and losses render like any other."""
    steps = records.steps()
    ends = (
        msgspec.structs.replace(steps[7], seconds=1e12, loss=1e308, tokens_real=1),
        msgspec.structs.replace(steps[8], seconds=1e-9, loss=-1e308, tokens_real=2**63 - 1),
        msgspec.structs.replace(steps[9], index=2**62, loss=5e-324, gradient_norm=1e308),
    )
    for number, odd in enumerate(ends):
        found = sites.collection(
            records.record(steps=(odd,)),
            records.record(method="unsloth-lora", steps=(*steps, odd, odd)),
        )
        assert build(found, tmp_path / f"site-{number}").is_file()


def test_unsealed_records_are_refused(tmp_path: Path) -> None:
    """A file is never named by anything but a digest."""
    record = msgspec.structs.replace(records.record(), record_id="../../evil")
    with pytest.raises(ValueError, match="not a sealed record"):
        build(sites.collection(record), tmp_path / "site")
    assert list(tmp_path.iterdir()) == []


def test_an_earlier_site_is_replaced_whole(tmp_path: Path) -> None:
    """A second report leaves nothing of the first, and no litter beside it."""
    first, second = records.record(), seal(records.record(launch=2))
    build(sites.collection(first), tmp_path / "site")
    build(sites.collection(second), tmp_path / "site")
    names = {path.stem for path in (tmp_path / "site" / "records").iterdir()}
    assert names == {second.record_id}
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_other_peoples_folders_are_left_alone(tmp_path: Path) -> None:
    """A folder with anything in it that is no earlier site, or a file, is refused untouched."""
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter").write_text("precious")
    (tmp_path / "file").write_text("precious")
    for name in ("thesis", "file"):
        with pytest.raises(BadInput, match=r"other files|a file is there"):
            build(sites.ordinary(), tmp_path / name)
    assert (tmp_path / "thesis" / "chapter").read_text() == "precious"
    (tmp_path / "empty").mkdir()
    build(sites.ordinary(), tmp_path / "empty")
    assert (tmp_path / "empty" / MARKER).is_file()


@pytest.mark.parametrize("name", ["CNAME", ".nojekyll", "records/notes.txt", ".git/HEAD", "own/"])
def test_what_was_put_into_a_report_is_not_cleared(tmp_path: Path, name: str) -> None:
    """It is named, and the report stays as it was; once it is elsewhere, the next one goes on."""
    site, place = tmp_path / "site", tmp_path / "site" / name
    build(sites.collection(records.record()), site)
    before = {path for path in site.rglob("*") if path.is_file()}
    place.parent.mkdir(exist_ok=True)
    place.mkdir() if name.endswith("/") else place.write_text("precious")
    with pytest.raises(BadInput, match=f"there is what no report made: {name.split('/')[0]}"):
        build(sites.ordinary(), site)
    assert name.endswith("/") or place.read_text() == "precious"
    assert before <= {path for path in site.rglob("*") if path.is_file()}
    assert [path.name for path in tmp_path.iterdir()] == ["site"]
    place.rename(tmp_path / "elsewhere")
    if place.parent.name == ".git":
        place.parent.rmdir()
    build(sites.ordinary(), site)


def test_a_list_that_names_hidden_files_is_not_believed(tmp_path: Path) -> None:
    """No report makes one: whoever wrote that wants somebody's repository removed."""
    with new_site(tmp_path / "site") as folder:
        (folder.path / "index.html").write_text("ours")
    (tmp_path / "site" / ".git").mkdir()
    (tmp_path / "site" / ".git" / "config").write_text("precious")
    with (tmp_path / "site" / MARKER).open("a") as marker:
        marker.write(".git/\n.git/config\n")
    with pytest.raises(BadInput, match=r"no report made: \.git"), new_site(tmp_path / "site"):
        pass
    assert (tmp_path / "site" / ".git" / "config").read_text() == "precious"


def test_what_comes_into_a_report_while_the_next_is_made_is_kept(tmp_path: Path) -> None:
    """The look at the place is taken again before anything is removed."""
    build(sites.collection(records.record()), tmp_path / "site")
    with pytest.raises(BadInput, match="CNAME"), new_site(tmp_path / "site"):
        (tmp_path / "site" / "CNAME").write_text("precious")
    assert (tmp_path / "site" / "CNAME").read_text() == "precious"
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_a_report_whose_files_nobody_listed_is_kept(tmp_path: Path) -> None:
    """A site of an older tunebench is refused with what to do."""
    build(sites.collection(records.record()), tmp_path / "site")
    (tmp_path / "site" / MARKER).write_text("0.0.9\n")
    with pytest.raises(BadInput, match="kept no list"):
        build(sites.ordinary(), tmp_path / "site")


def test_a_site_that_is_a_link_is_not_gone_through(tmp_path: Path) -> None:
    """Neither the folder nor the single file leads elsewhere, and parents may."""
    (tmp_path / "victim").mkdir()
    (tmp_path / "site").symlink_to(tmp_path / "victim")
    (tmp_path / "report.html").symlink_to(tmp_path / "missing")
    with pytest.raises(BadInput, match="a link"):
        build(sites.ordinary(), tmp_path / "site")
    with pytest.raises(BadInput, match="a link"):
        build_file(sites.ordinary(), tmp_path / "report.html")
    assert list((tmp_path / "victim").iterdir()) == []
    assert build(sites.ordinary(), tmp_path / "site" / "below").is_file()


KILLED = """
import os, sys
from pathlib import Path
from reports.site import place
at = sys.argv[2]
def die(*_):
    os._exit(9)
if at == "in the swap":
    place.Folder.rename = lambda self, name, to: (os.rename(
        self.path / name, self.path / to), die()) if to.endswith(".old") else None
elif at == "before clearing":
    place._clear = die
with place.new_site(Path(sys.argv[1])) as folder:
    folder.make("records").put("x.json", b"{}")
    if at == "making":
        die()
    if at == "before the list":
        place._listed = die
"""


@pytest.mark.parametrize("at", ["making", "before the list", "in the swap", "before clearing"])
def test_what_a_killed_report_left_is_removed_by_the_next(tmp_path: Path, at: str) -> None:
    """Wherever it was cut off there is a site afterwards, and nothing beside it."""
    site = tmp_path / "site"
    build(sites.collection(records.record()), site)
    command = [sys.executable, "-c", KILLED, str(site), at]
    assert subprocess.run(command, check=False, cwd=ROOT).returncode == 9
    assert len(list(tmp_path.iterdir())) > 1
    build(sites.ordinary(), site)
    assert [path.name for path in tmp_path.iterdir()] == ["site"]
    assert (site / "index.html").is_file()


def test_a_site_cut_off_in_its_swap_comes_back_although_the_next_fails(tmp_path: Path) -> None:
    """The old report is the last whole one until there is another."""
    site = tmp_path / "site"
    build(sites.collection(records.record()), site)
    site.rename(tmp_path / ".site.0123abcd.old")
    with pytest.raises(RuntimeError), new_site(site):
        raise RuntimeError
    assert (site / "index.html").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_a_report_that_another_process_makes_just_now_is_left_alone(tmp_path: Path) -> None:
    """Only what nobody holds was killed; what merely has such a name stays."""
    (tmp_path / ".site.0123abcd.part").mkdir()
    (tmp_path / ".site.0123abcd.part" / "thesis").write_text("precious")
    (tmp_path / ".site.01234567.part").symlink_to(tmp_path / ".site.0123abcd.part")
    with new_site(tmp_path / "site") as slow:
        slow.put("index.html", b"slow")
        with new_site(tmp_path / "site") as fast:
            fast.put("index.html", b"fast")
        assert (tmp_path / "site" / "index.html").read_text() == "fast"
    assert (tmp_path / "site" / "index.html").read_text() == "slow"
    assert (tmp_path / ".site.0123abcd.part" / "thesis").read_text() == "precious"


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """A parent that is a file ends as one line, not as a traceback."""
    (tmp_path / "file").write_text("")
    with pytest.raises(WrongMachine, match="cannot be written"):
        build(sites.ordinary(), tmp_path / "file" / "site")


def test_the_overview_says_how_far_launches_scatter(site: Path, tmp_path: Path) -> None:
    """One line a case with three launches or more; with two there is none."""
    assert "repeat-to-repeat" not in sites.Page(site / "runs.html").text
    found = [records.record(launch=n, seconds=0.1 + 0.001 * n) for n in (1, 2, 3)]
    page = sites.Page(build(sites.collection(*found), tmp_path / "site").with_name("runs.html"))
    assert "repeat-to-repeat spread 0.98 % over 3 repeats (range 2.0 %)" in page.text


@pytest.mark.parametrize(
    ("page", "parts"),
    [
        ("claims.html", ["claim"]),
        ("what-fits.html", ["fit", "searches", "memory", "memory-cases"]),
        ("all-results.html", ["failed"]),
        ("gpus.html", ["hosts"]),
        ("how-far-to-trust-it.html", ["noise", "losses", "steps"]),
    ],
)
def test_pages_and_markdown_say_the_same(
    published_site: Path, page: str, parts: list[str]
) -> None:
    """Published results: each row of the Markdown stands on the page, its record linked."""
    dataset = load(read([RESULTS]))
    opened = sites.Page(published_site / page)
    rows: dict[sites.Element, list[str]] = {row: [] for row in opened.all("tr")}
    for cell in opened.elements:
        if cell.tag in ("th", "td"):
            rows[cell.parents[-1]].append(cell.text)
    shown = {tuple(row) for row in rows.values()}
    linked = {link.attributes.get("href") for link in opened.all("a")}
    for name in parts:
        for block in summary.part(dataset, name).blocks:
            if not isinstance(block, Table):
                continue
            for row in block.rows:
                assert tuple(" ".join(cell.split()) for cell in row.cells) in shown
                if row.page:
                    assert row.page in linked
    assert opened.all("table")


def test_pages_without_anything_to_show_are_not_built(site: Path) -> None:
    """On a CPU there is no claim to look at, no estimate, and nothing that fits a GPU."""
    page = sites.Page(site / "index.html")
    (ways,) = [e for e in page.all("nav") if e.attributes["aria-label"] == "Pages"]
    links = [each.text for each in page.all("a") if ways in each.parents]
    assert links == ["Results", "How we measure", "Data"]
    for name in ("claims.html", "what-fits.html", "plan.html", "history.html"):
        assert not (site / name).exists()
    assert sites.broken_links(site) == []
