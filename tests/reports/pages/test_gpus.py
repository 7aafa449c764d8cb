"""GPUs: the page of each card says what its records and its profile say, with unit and source."""

import json
import statistics
from pathlib import Path

import msgspec
import pytest

from reports.site.build import build
from reports.text import gpu_facts
from reports.text.addresses import gpu_page, pair_name, stem
from suite import paths, units
from suite.catalog import prices
from suite.catalog import profile as profiles
from suite.catalog.profile import Fact
from suite.cli import main
from suite.results.record import Finding
from suite.results.storage.run_folder import read
from support import cards, gpu_records, records, sites
from support.cards import changed, on
from support.sites import table, values

#: One card, whatever else is published.
RESULTS = paths.RESULTS / "h200-sxm"
#: From then on steps are timed by the mended worker, and pooled with none from before.
MENDED = "2026-11-27T21:40:00Z"


@pytest.fixture(scope="module")
def site(h200_site: Path) -> Path:
    return h200_site


def test_all_profiles_are_listed_with_their_facts(site: Path) -> None:
    """Facts are those of the files; a card nobody measured says so and has no page."""
    rows = {row[0]: row[1:] for row in table(sites.Page(site / "gpus.html"), "Hardware profiles")}
    assert len(rows) == len(profiles.names())
    assert rows["NVIDIA H200 SXM h200-sxm"][:4] == ["141 GB", "4.800 TB/s", "989 TFLOP/s", "700 W"]
    outcomes = [record.outcome for record in read([RESULTS]).records]
    counted = f"{len(outcomes)} results, {outcomes.count('ok')} with numbers"
    assert rows["NVIDIA H200 SXM h200-sxm"][4:] == [counted, "measured here"]
    h100 = rows["NVIDIA H100 SXM h100-sxm"]
    assert h100[4:] == ["not measured", "the suite ran on it, no results here"]
    assert rows["CPU cpu"][:4] == ["unknown"] * 4
    assert [path.name for path in (site / "gpus").iterdir()] == ["h200-sxm.html"]


def test_every_price_is_shown_with_its_seller_and_day(site: Path) -> None:
    """None is summed up or dropped, and a card that was never run on says so here as well."""
    rows = table(sites.Page(site / "gpus.html"), "What GPUs cost")
    known = prices.load().prices
    assert [row[1:3] for row in rows] == [[price.source, price.date] for price in known]
    for row, price in zip(rows, known, strict=True):
        assert f"USD {price.rent_usd_per_hour or price.purchase_usd:,.2f}" in row
        assert ("(unverified)" in row[0]) != profiles.load(price.profile).verified


def test_numbers_of_a_card_are_those_of_the_json(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rates, shares, energy and the example's hours equal what follows from ``export``."""
    assert main(["export", str(RESULTS), "--format", "json"]) == 0
    cases: dict[tuple[str, str], list[dict[str, object]]] = {}
    for row in sorted(json.loads(capsys.readouterr().out), key=lambda row: row["started_at"]):
        if row["outcome"] == "ok":
            launches = cases.setdefault((row["profile"], row["case_id"]), [])
            if launches and (str(launches[0]["started_at"]) < MENDED <= row["started_at"]):
                launches.clear()
            launches.append(row)
    shown = values(sites.Page(site / "gpus" / "h200-sxm.html"))
    assert len(cases) > 20
    for launches in cases.values():
        first = min(launches, key=lambda row: row["started_at"])
        numbers = [float(text) for text in shown[str(first["record_id"])]]
        for name in (
            "model_flops_per_second",
            "utilization_of_probe",
            "utilization_of_peak",
            "mean_power_watts",
            "mean_sm_clock_mhz",
            "joules_per_token",
        ):
            assert median(launches, name) in numbers, name
        hours = 40e6 * 3 / median(launches, "tokens_per_second") / 3600
        kilowatt_hours = 40e6 * 3 * median(launches, "joules_per_token") / 3.6e6
        assert numbers.count(pytest.approx(hours, rel=1e-12)) == 1
        assert numbers.count(pytest.approx(kilowatt_hours, rel=1e-12)) == 1


def median(launches: list[dict[str, object]], name: str) -> float:
    return statistics.median(float(str(row[name])) for row in launches)


def test_ceilings_are_the_probes_and_the_datasheet(site: Path) -> None:
    """The median over probes, each counted once however many cases its launch had."""
    probes = {
        (record.run_id, record.launch, record.environment.probe.matmul_flops_per_second)
        for record in read([RESULTS]).records
        if record.environment.probe is not None
    }
    rates = [rate for *_, rate in probes]
    page = sites.Page(site / "gpus" / "h200-sxm.html")
    (peak, products) = table(page, "Arithmetic")
    assert peak[1].startswith("989 TFLOP/s")
    assert products[1].startswith(units.scaled(statistics.median(rates), "FLOP/s"))
    assert products[1].endswith(f"{len(rates)} probes")
    exact = [e.attributes["value"] for e in page.all("data")]
    assert repr(statistics.median(rates)) in exact


def test_cases_without_numbers_are_said_on_the_cards_page(site: Path) -> None:
    """Out of memory and not supported stand there in words, in both tables."""
    page = sites.Page(site / "gpus" / "h200-sxm.html")
    for caption in ("Each case's arithmetic", "What NVML reported"):
        rows = {row[0].split("  ")[0]: row[1] for row in table(page, caption)}
        lora = next(text for name, text in rows.items() if name.startswith("GPT-OSS-120B · LoRA"))
        assert lora.startswith("Out of memory while loading the weights OutOfMemoryError")
        qlora = next(text for name, text in rows.items() if "120B · QLoRA" in name)
        assert qlora.startswith("Not supported transformers 5")


def test_energy_that_may_not_be_quoted_is_not(tmp_path: Path) -> None:
    """A slowdown by heat leaves no energy, no kilowatt-hours, and its reason."""
    hot = records.telemetry(throttle_reasons=(0x44,) * 61, temperature_celsius=(80,) * 61)
    record = gpu_records.record(telemetry=hot)
    build(sites.collection(record), tmp_path / "site")
    page = sites.Page(tmp_path / "site" / gpu_page("h200-sxm"))
    ((_, power, clock, heat, held, energy, quoted),) = table(page, "What NVML reported")
    assert (power, energy) == ("unknown", "unknown")
    assert clock == "1,500 MHz"
    assert heat == "80 °C"
    assert held == "power cap in 100 % of samples, hardware thermal slowdown in 100 % of samples"
    assert quoted.startswith("not quoted: hardware thermal slowdown in 21 of 21 samples")
    ((_, hours, kilowatt_hours),) = table(page, "Computed from the measured rate")
    assert " h ± " in hours, "one repeat"
    assert kilowatt_hours == "unknown"


def test_one_bad_launch_takes_the_energy_of_the_case(tmp_path: Path) -> None:
    """The launch that may not be quoted is named; the good one does not stand for both."""
    hot = records.telemetry(throttle_reasons=(0x40,) * 61)
    found = [
        gpu_records.record(launch=1, telemetry=records.telemetry()),
        gpu_records.record(launch=2, telemetry=hot),
    ]
    build(sites.collection(*found), tmp_path / "site")
    page = sites.Page(tmp_path / "site" / gpu_page("h200-sxm"))
    ((*_, energy, quoted),) = table(page, "What NVML reported")
    assert energy == "unknown"
    assert quoted.startswith("not quoted: repeat 2: hardware thermal slowdown")


def test_what_differs_between_runs_is_a_row_for_each(tmp_path: Path) -> None:
    """Two runs at two power limits; what changed within a run, and a bad finding, are said."""
    first = gpu_records.record(run_id="first")
    bad = Finding(name="driver", status="warn", detail="too old")
    environment = msgspec.structs.replace(first.environment, preflight=(bad,))
    second = [
        changed(on(gpu_records.record(run_id="second", launch=1), power_limit_watts=500.0)),
        changed(on(gpu_records.record(run_id="second", launch=2), power_limit_watts=400.0)),
    ]
    found = [on(first, power_limit_watts=700.0), *second]
    found.append(gpu_records.record(run_id="third", environment=environment))
    build(sites.collection(*found), tmp_path / "site")
    page = sites.Page(tmp_path / "site" / gpu_page("h200-sxm"))
    rows = {row[0]: row[1:] for row in table(page, "What was not the same")}
    assert any("700 W" in cell for cell in rows["first"])
    assert any("500 W" in cell for cell in rows["second"])
    assert any("driver, warn: too old" in cell for cell in rows["third"])
    warned = [e.text for e in page.all("p") if e.attributes.get("class") == "warning"]
    assert "second: power limit changed within this session: 400 W, 500 W" in warned


def test_what_is_pooled_is_told_from_what_is_not(tmp_path: Path) -> None:
    """Repeats of two runs are one row; those timed the older way are another, with their run."""
    found = [gpu_records.record(run_id=name, launch=1) for name in ("one", "other")]
    older = gpu_records.record(run_id="older", started_at="2026-11-01T00:00:00Z")
    found.append(msgspec.structs.replace(older, schema=2))
    build(sites.collection(*found), tmp_path / "site")
    page = sites.Page(tmp_path / "site" / gpu_page("h200-sxm"))
    cases = [row[0] for row in table(page, "Each case's arithmetic")]
    assert [case.endswith("2 repeats in 2 sessions") for case in cases].count(True) == 1
    assert [case.endswith("1 repeat · session older") for case in cases].count(True) == 1


def test_facts_have_unit_source_and_doubts(tmp_path: Path) -> None:
    """Derived is said, the note stands there, and a record that knew better is not hidden."""
    hardware = profiles.load("h200-sxm")
    facts = msgspec.structs.replace(
        hardware.facts, board_power_watts=Fact(value=600, source="an old file"), bf16_flops=None
    )
    old = msgspec.structs.replace(hardware, facts=facts)
    build(sites.collection(gpu_records.record(hardware=old)), tmp_path / "site")
    page = sites.Page(tmp_path / "site" / gpu_page("h200-sxm"))
    rows = {row[0]: row[1:] for row in table(page, "Facts of")}
    assert rows["Board power"][:2] == ["600 W", "an old file"]
    assert rows["bfloat16 peak, dense"][0] == "unknown"
    assert rows["Memory that NVML reports"][0] == "140 GiB"
    assert "Board power: 600 W in the results, 700 W in the catalog now." in page.text
    assert "bfloat16 peak, dense: unknown in the results, 989 TFLOP/s in the catalog" in page.text
    derived = next(
        each for each in gpu_facts.shown_facts(hardware) if each.name.startswith("bfloat16")
    )
    assert derived.notes[0].startswith("derived")
    assert derived.notes[1] == "dense is half of the sparse figure printed"


def test_scatter_is_that_of_the_card(tmp_path: Path) -> None:
    """Three launches here and three elsewhere: each page has its own spread alone."""
    ours = [gpu_records.record(launch=n, seconds=0.1 + 0.001 * n) for n in (1, 2, 3)]
    theirs = cards.on_card(ours, "other-card", slower=1.0)
    build(sites.collection(*ours, *theirs), tmp_path / "site")
    page = sites.Page(tmp_path / "site" / gpu_page("h200-sxm"))
    (row,) = table(page, "From repeat to repeat")
    assert row[2:4] == ["NVIDIA H200 SXM", "3"]


@pytest.mark.parametrize(
    ("added", "shown"), [((9, 0, 0), "0"), ((9, 0, 2), "0 to 2"), ((9, 0, None), "")]
)
def test_what_warm_launches_compiled_again_is_counted(
    tmp_path: Path, added: tuple[int | None, ...], shown: str
) -> None:
    """The cold launch's files do not count; where one warm launch did not count, none is told."""
    launches = zip(("cold", "warm", "warm"), added, strict=True)
    found = [
        gpu_records.record(launch=number, compile_cache=state, compiled_files=files)
        for number, (state, files) in enumerate(launches, 1)
    ]
    build(sites.collection(*found), tmp_path / "site")
    page = sites.Page(tmp_path / "site" / gpu_page("h200-sxm"))
    (row,) = table(page, "From repeat to repeat")
    assert row[-2] == shown or (not shown and "Compiled again" not in page.text)
    record = sites.Page(tmp_path / "site" / "records" / f"{found[0].record_id}.html")
    assert "cold, 9 files added" in record.text


def test_a_cpu_has_a_page_that_says_what_it_lacks(tmp_path: Path) -> None:
    """No probe, no telemetry: unknown, and never a zero."""
    build(sites.ordinary(), tmp_path / "site")
    page = sites.Page(tmp_path / "site" / "gpus" / "cpu.html")
    assert "No GPU took part." in page.text
    assert [row[1] for row in table(page, "Arithmetic")] == ["unknown", "unknown"]
    rows = [row for row in table(page, "What NVML reported") if len(row) == 7]
    assert rows
    assert all(row[1:4] == ["unknown"] * 3 for row in rows)
    assert all(row[6] == "not quoted: no telemetry was taken" for row in rows)


HOSTILE = ("../../evil", "/etc/passwd", "a--b", "H200-SXM", "", ".", "x" * 300, "con\0", "\ud800")


def test_names_of_strangers_profiles_make_safe_and_different_files() -> None:
    """No separator, no upper case, nothing longer than a name; no two profiles share a file."""
    made = [stem(name) for name in (*HOSTILE, *profiles.names())]
    assert len({each.casefold() for each in made}) == len(made)
    for each in made:
        assert set(each) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
        assert "--" not in each
        assert 0 < len(each) <= 64
    assert stem("h200-sxm") == "h200-sxm"
    assert stem(stem("../x")) != stem("../x"), "a name that looks like a digest is no such file"
    assert pair_name("a", "b-c") != pair_name("a-b", "c")


def test_strangers_profiles_stay_in_the_site(tmp_path: Path) -> None:
    """Pages of hostile names and their pairs lie where pages lie, and every link finds them."""
    ours = gpu_records.record()
    found = [
        changed(ours, profile=name, run_id=f"run {number}")
        for number, name in enumerate(HOSTILE[:-1])
    ]
    folder = tmp_path / "out" / "site"
    build(sites.collection(ours, *found), folder)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["site"]
    count = len(HOSTILE)  # a lone surrogate makes no record
    assert len(list((folder / "gpus").iterdir())) == count
    assert len(list((folder / "card-against-card").iterdir())) == count * (count - 1) // 2
    assert sites.broken_links(folder) == []
