"""Markdown says what the records say, and strangers' text stays text."""

import json
import re
from pathlib import Path

import msgspec
import pytest

from reports.analysis.dataset import load
from reports.export.markdown import markdown
from reports.pages.front.findings import findings
from reports.pages.front.scope import scope
from reports.sections.scaling import by_model
from reports.text import markdown as markup
from suite import units
from suite.catalog import profile
from suite.catalog.tier import Workload
from suite.cli import main
from suite.paths import RESULTS
from suite.results.fidelity import Fidelity, FidelityFile
from suite.results.metrics import all_metrics
from suite.results.plan import TRY
from suite.results.record import Record, seal
from suite.results.storage import run_folder
from suite.results.storage.run_folder import read
from support import gpu_records, records, sites
from support.gpu_records import GIB


def rows(text: str, first: str = "") -> list[list[str]]:
    """Return the cells of every table row whose first cell begins so; escapes are kept."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    cells = [[c.strip() for c in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return [row for row in cells if row[0].startswith(first)]


def made(*found: Record, only: str | None = None) -> str:
    return markdown(sites.collection(*found), only)


def test_tables_hold_the_numbers_that_the_json_holds(capsys: pytest.CaptureFixture[str]) -> None:
    """Throughput, memory and verdict of every published record stand in its method's row."""
    assert main(["export", str(RESULTS), "--format", "json"]) == 0
    found = [row for row in json.loads(capsys.readouterr().out) if row["outcome"] == "ok"]
    collection = read([RESULTS])
    titles = {record.method: record.case.method.title for record in collection.records}
    # Medians are looked at below; tries of a search have a table of their own.
    plans = [plan for plan in collection.plans if plan.launches == 1 and plan.tier != TRY]
    found = [row for row in found if row["run_id"] in {plan.run_id for plan in plans}]
    table = rows(markdown(collection, "comparison"))
    assert found
    for row in found:
        mine = [cells for cells in table if cells[0] == markup.text(titles[row["method"]])]
        mine = [cells for cells in mine if near(cells[1], row["tokens_per_second"])]
        memory = 3  # where steps differ in work, there is no column of low quantiles
        if row["step_seconds_low"] is not None:
            memory = 4
            mine = [c for c in mine if quantile_near(c[3], row["step_seconds_low"])]
        mine = [cells for cells in mine if near(cells[memory], row["peak_allocated_bytes"] / GIB)]
        assert mine, row["case_id"]
        if row["parity"] != "no reference":
            assert any(cells[-2].startswith(row["parity"]) for cells in mine)


def test_findings_are_those_of_the_first_screen() -> None:
    """Word for word, with what they are of; beside other tables they come first."""
    collection = read([RESULTS])
    dataset = load(collection)
    text = markdown(collection, "findings")
    lines = [line.removeprefix("- ") for line in text.splitlines() if line.startswith("- ")]
    *first, several = lines
    assert first == [f"**{each.headline}.** {each.text}" for each in findings(dataset)]
    assert len(first) == 3
    headings = markdown(collection, "scaling")
    assert len(by_model(dataset)) == 2
    assert all(f"**{each.rstrip('.')}**" in headings for each in by_model(dataset))
    assert several == f"**Several GPUs.** {' '.join(by_model(dataset))}"
    assert text.endswith(" ".join(scope(dataset)) + "\n")
    assert markdown(collection).startswith(f"## What was found\n\n{text}")


def test_a_finding_is_a_ratio_of_two_records_or_nothing() -> None:
    """Half the time of plain PEFT is twice as fast; without a baseline nothing was found."""
    fast = gpu_records.record(method="unsloth-lora", seconds=0.2)
    assert "**2.0× as fast.**" in made(gpu_records.record(seconds=0.4), fast, only="findings")
    assert made(fast, only="findings") == ""
    assert "What was found" not in made(fast)


def near(cell: str, value: float) -> bool:
    """Return whether a cell shows this number, rounded to three digits or more, whatever its ±."""
    shown = cell.split(" (")[0].split(" ± ")[0].replace(",", "")
    return shown[:1].isdigit() and float(shown) == pytest.approx(value, rel=0.006)


def quantile_near(cell: str, seconds: float) -> bool:
    """Return whether a cell shows this time in seconds or in milliseconds."""
    return near(cell, seconds) or near(cell, 1000 * seconds)


def test_fidelity_beside_published_runs_is_a_table(tmp_path: Path) -> None:
    """The figures are the file's; a file that is none is named and the rest is read."""
    one = Fidelity(
        case_id="qwen3-8b-lora",
        run_id=records.RUN_ID,
        limit=0.01,
        reported=0.004,
        reported_pairs=(0.003, 0.005),
        wall=-0.02,
        wall_pairs=(-0.02,),
        suite_seconds=(0.65,),
        bare_seconds=(0.64, 0.66),
        shortest_pairs=(0.001, 0.001),
    )
    file = FidelityFile(at="2026-11-25T00:00:00Z", profile="h200-sxm", figures=(one,))
    for name, content in (("a", msgspec.json.encode(file)), ("b", b'{"figures": 1}')):
        (tmp_path / name).mkdir()
        (tmp_path / name / "fidelity.json").write_bytes(content)
    run_folder.create(tmp_path / "run", records.plan()).close()
    found = run_folder.read([tmp_path])
    assert [p.path for p in found.problems if "fidelity" in p.reason] == [
        str(tmp_path / "b" / "fidelity.json")
    ]
    (row,) = rows(markdown(found, only="fidelity"), "qwen3-8b-lora")
    # Student's t for two pairs is 12.706: the half intervals are 12.706 x 0.001 and nothing.
    assert row[2:] == [
        *("bare script", "2", "repeats", "1.0 %: undecided", "650 ms"),
        *("+0.40 % (−0.86 to +1.68 %)", "−2.0 %", "+0.10 to +0.10 %"),
    ]


def test_several_launches_are_a_median_with_its_range() -> None:
    """Three launches of 0.1, 0.11 and 0.12 s: the middle one, and from where to where."""
    found = [gpu_records.record(launch=n, seconds=0.09 + 0.01 * n) for n in (1, 2, 3)]
    rates = sorted(_rate(record) for record in found)
    (row,) = rows(made(*found, only="comparison"), "LoRA")
    assert row[1] == f"{rates[1]:,.0f} ({rates[0]:,.0f}–{rates[2]:,.0f})"
    assert row[-1] == "3 repeats"
    (row,) = rows(made(*found, only="noise"), "Qwen3-8B · LoRA")
    assert (row[3], row[-1]) == ("3", "no")
    assert "From 5 repeats of one GPU on" in made(*found, only="noise")


def _known(record: Record) -> str:
    """What one launch says of how well it knows its rate."""
    error = all_metrics()["step_seconds_error"].compute(record)
    assert error is not None
    return f"± {units.percent(error)}"


def _rate(record: Record) -> float:
    value = all_metrics()["tokens_per_second"].compute(record)
    assert value is not None
    return value


def test_ratios_name_plain_liger_and_naive_baselines() -> None:
    """The same engine row against each baseline of its own storage, and memory as a change."""
    found = [
        gpu_records.record(method="lora-naive", seconds=0.4),
        gpu_records.record(method="lora", seconds=0.2),
        gpu_records.record(method="lora-liger", seconds=0.16),
        gpu_records.record(method="qlora-liger", seconds=0.15),
        gpu_records.record(method="unsloth-lora", seconds=0.1, allocated=15 * GIB),
    ]
    text = made(*found, only="ladder")
    (header, *_), (row,) = rows(text), rows(text, "Unsloth LoRA")
    by_title = dict(zip(header, row, strict=True))
    assert by_title["Speed vs LoRA"] == "2.0×"
    assert by_title["Speed vs PEFT + Liger"] == "1.6×"
    assert by_title["Speed vs naive LoRA"] == "4.0×"
    assert by_title["Memory vs LoRA"] == "−25 %"
    assert made(*found[1:], only="ladder") == ""


def test_what_the_storage_saves_is_told_from_what_the_engine_saves() -> None:
    """A 4-bit row stands against plain QLoRA as well, a 16-bit row does not."""
    found = [
        gpu_records.record(method="lora", seconds=0.2, allocated=20 * GIB),
        gpu_records.record(method="qlora", seconds=0.25, allocated=10 * GIB),
        gpu_records.record(method="unsloth-lora", seconds=0.1, allocated=18 * GIB),
        gpu_records.record(method="unsloth-qlora", seconds=0.125, allocated=9 * GIB),
    ]
    for only in ("comparison", "claim"):
        text = made(*found, only=only)
        (header, *_) = rows(text)
        (four,), (sixteen,) = rows(text, "Unsloth QLoRA"), rows(text, "Unsloth LoRA")
        ours = dict(zip(header, four, strict=True))
        assert (ours["Speed vs LoRA"], ours["Memory vs LoRA"]) == ("1.6×", "−55.0 %")
        assert (ours["Speed vs QLoRA"], ours["Memory vs QLoRA"]) == ("2.0×", "−10.0 %")
        assert dict(zip(header, sixteen, strict=True))["Speed vs QLoRA"] == "–"
    assert "- 3× faster than QLoRA: true for none of 1. The largest is 2.0×" in text


def test_what_has_no_number_is_words_and_is_listed_with_its_reason() -> None:
    """Out of memory stands in the table, and with its reason among what could not run."""
    failed = gpu_records.failed(method="full", reason="4 GiB too much")
    (row,) = rows(made(gpu_records.record(), failed), "Full fine-tuning")
    assert row[1] == "Out of memory while loading the weights"
    (listed,) = rows(made(gpu_records.record(), failed, only="failed"), "Qwen3-8B")
    assert listed[-1] == "4 GiB too much"


def test_a_sweep_becomes_a_table_of_lengths() -> None:
    """Rows are lengths in order, columns methods, and a pair is the engine against its own."""
    found = []
    for length, batch in ((4096, 1), (512, 8)):
        work = Workload(sequence_tokens=length, batch_sequences=batch)
        for method, seconds in (("lora", 0.2), ("unsloth-lora", 0.1)):
            found.append(
                gpu_records.record(
                    method=method, workload=work, suffix=f"-s{length}", seconds=seconds
                )
            )
    found[0] = gpu_records.failed(workload=found[0].case.workload, suffix="-s4096")
    text = made(*found, only="sequence")
    assert "4,096 tokens a step at every length" in text
    header, _, short, long = rows(text)
    assert header == ["Tokens a row", "LoRA", "Unsloth LoRA", "Unsloth LoRA vs LoRA"]
    assert (short[0], long[0]) == ("512", "4,096")
    assert short[2] == f"{_rate(found[3]):,.0f} token/s {_known(found[3])}, 20 GiB"
    assert short[3] == "2.00×, 0 %"
    assert long[1] == "Out of memory while loading the weights"
    assert long[3] == "–"
    assert "Speed of " not in text, "one length says nothing of how a ratio goes"


def test_a_ratio_is_followed_along_the_lengths_of_a_sweep() -> None:
    """The published ratios are said to grow with length: both ends are named, shortest first."""
    found = []
    for length, batch, seconds in ((4096, 1, 0.16), (1024, 4, 0.125), (512, 8, 0.1)):
        work = Workload(sequence_tokens=length, batch_sequences=batch)
        for method, took in (("lora", 0.2), ("unsloth-lora", seconds)):
            found.append(
                gpu_records.record(
                    method=method, workload=work, suffix=f"-s{length}", seconds=took
                )
            )
    text = made(*found, only="sequence")
    said = "Speed of Unsloth LoRA vs LoRA: 2.00× at 512 tokens a row, 1.25× at 4,096."
    assert said in text


def test_other_tokens_a_step_are_no_sweep() -> None:
    """Lengths compare only where the work of a step is the same."""
    works = [Workload(sequence_tokens=n, batch_sequences=2) for n in (512, 1024)]
    found = [gpu_records.record(workload=w, suffix=f"-{n}") for n, w in enumerate(works)]
    assert made(*found, only="sequence") == ""


def test_what_an_engine_moves_to_the_host_stands_beside_what_the_gpu_holds() -> None:
    """Less on the GPU is not less in all; on a CPU host memory is the only one, said once."""
    found = gpu_records.record()
    memory = [
        msgspec.structs.replace(each.memory, host_rss_peak_bytes=6 * GIB) for each in found.phases
    ]
    phases = tuple(
        msgspec.structs.replace(phase, memory=each)
        for phase, each in zip(found.phases, memory, strict=True)
    )
    (header, *_), (row,) = (
        rows(made(gpu_records.record(phases=phases), only="comparison"), first)
        for first in ("", "LoRA")
    )
    assert dict(zip(header, row, strict=True))["Host memory"] == "6 GiB"
    assert "Host memory" not in made(records.record(), only="comparison")


def test_what_an_engine_gains_is_told_from_what_padding_costs() -> None:
    """The product is the ratio a reader sees; a factor its reference gains too is no engine's."""
    found = []
    for packing, slow, fast in (("none", 0.4, 0.2), ("padding-free", 0.25, 0.2)):
        work = Workload(
            sequence_tokens=2048, batch_sequences=4, data="real-length", packing=packing
        )
        for method, took in (("lora", slow), ("unsloth-lora", fast)):
            found.append(
                gpu_records.record(
                    method=method, workload=work, suffix=f"-{packing}", seconds=took
                )
            )
    said = (
        "Unsloth LoRA padding-free is 2.00× as fast as LoRA padded. LoRA gains 1.60× of this by"
        " packing too; the engine's own part is 1.25×. Where both are padded the engine's part is"
        " 2.00×."
    )
    assert said in made(*found, only="padding")
    assert "as well" not in made(*found[1:], only="padding"), "no padded LoRA, no factors"


def test_losses_apart_are_the_largest_of_each_pair_beside_what_is_allowed() -> None:
    """Two launches of an engine are one row, of the worse; three of the reference its own."""
    found = [gpu_records.record(launch=n, loss=7.0 + n / 1e4) for n in (1, 2, 3)]
    found += [
        gpu_records.record(method="unsloth-lora", launch=1, loss=7.0 + 1e-4 + 7e-4),
        gpu_records.record(method="unsloth-lora", launch=2, loss=7.0 + 2e-4 + 14e-4),
    ]
    text = made(*found, only="losses")
    _, _, engine, own, dummy, experts, _ = rows(text)
    assert engine[:3] == ["Unsloth LoRA", "LoRA, same repeat", "2"]
    assert engine[4:6] == ["0.020 %", "0.020 %"]
    assert own[:3] == ["LoRA on Qwen3-8B", "itself, repeats of one session", "3"]
    assert own[4:6] == ["0.003 %", "0.003 %"]
    assert dummy[4:] == ["0.050 %", "0.100 %", "1.5 %"]
    assert experts[4:] == ["0.050 %", "0.500 %", "4.0 %"]


def test_a_padding_study_becomes_a_table_of_ways() -> None:
    """Columns are ways to pack in the order run, cells real tokens and the share of padding."""
    found = []
    for packing in ("none", "packed", "padding-free"):
        work = Workload(
            sequence_tokens=2048, batch_sequences=4, data="real-length", packing=packing
        )
        found.append(gpu_records.record(workload=work, suffix=f"-{packing}"))
    header, _, row = rows(made(*found, only="padding"))
    assert [title.partition(",")[0] for title in header[1:]] == [
        "padded",
        "packed",
        "padding-free",
    ]
    steady = [step for step in found[0].steps if step.role == "steady"]
    share = 1 - sum(s.tokens_real for s in steady) / sum(s.tokens_padded for s in steady)
    rate = f"{_rate(found[0]):,.0f} token/s {_known(found[0])}"
    assert row[1] == f"{rate}, {100 * share:.1f} % padding"


@pytest.mark.parametrize(
    ("seconds", "allocated", "faster", "smaller", "both"),
    [
        (0.1, 4 * GIB, "true for 1 of 1", "true for 1 of 1", "true for 1 of 1"),
        (0.1, 5 * GIB, "true for 1 of 1", "true for none of 1", "true for none of 1"),
        (0.2, 4 * GIB, "true for none of 1", "true for 1 of 1", "true for none of 1"),
    ],
)
def test_the_claim_is_judged_by_halves(
    seconds: float, allocated: int, faster: str, smaller: str, both: str
) -> None:
    """3x needs three times the throughput, 80 % a fifth of the memory; each is said alone."""
    text = made(
        gpu_records.record(method="lora", seconds=0.3, allocated=20 * GIB),
        gpu_records.record(method="unsloth-lora", seconds=seconds, allocated=allocated),
        only="claim",
    )
    assert f"- 3× faster than LoRA: {faster}" in text
    assert f"- 80 % less memory than LoRA: {smaller}" in text
    assert f"- Both at once vs LoRA: {both}" in text
    assert "than PEFT + Liger" not in text
    (row,) = rows(text, "Unsloth LoRA")
    assert row[-2:] == ["no" if "none" in said else "yes" for said in (faster, smaller)]


def test_a_fast_wrong_run_claims_nothing() -> None:
    """Ten times the speed with other losses is no evidence for the claim."""
    found = gpu_records.record(), gpu_records.record(method="unsloth-lora", seconds=0.01, loss=6.9)
    assert made(*found, only="claim") == ""


def test_a_saving_that_nearly_holds_is_not_printed_as_the_one_claimed() -> None:
    """79.6 % is less than 80 %, in the verdict and in the number."""
    text = made(
        gpu_records.record(allocated=1000 * GIB),
        gpu_records.record(method="unsloth-lora", allocated=204 * GIB),
        only="claim",
    )
    assert "80 % less memory than LoRA: true for none of 1. The largest is 79.6 %" in text


def test_a_cpu_says_nothing_about_the_claim() -> None:
    """The claim is about GPUs; where none ran there is no such section."""
    found = records.record(), records.record(method="unsloth-lora", seconds=0.01)
    assert made(*found, only="claim") == ""
    assert "published claim" not in made(*found)


def test_every_card_gets_a_verdict() -> None:
    """A case that an H200 holds, and the smaller cards may not; equal sizes stand together."""
    text = made(gpu_records.record(allocated=90 * GIB), only="fit")
    (header, *_), (row,) = rows(text), rows(text, "Qwen3-8B")
    by_card = {title.partition(":")[0]: c for title, c in zip(header, row, strict=True)}
    assert by_card["Needs"] == "91 GiB"
    assert by_card["H100 PCIe, SXM"] == "does not fit"
    assert by_card["RTX PRO 6000 Blackwell Max-Q, Server, Workstation"] == "tight"
    assert by_card["H200 SXM"] == "fits"
    assert by_card["DGX Spark (GB10)"] == "unknown", "the host takes from the same memory"
    for card in profile.everything():
        if card.device == "cuda":
            last = card.title.split()[-1]
            assert any(last in title for title in by_card), card.title
    assert "verified by a session: NVIDIA H100 SXM, NVIDIA H200 SXM." in text


HOSTILE = "a | b\n# x <script>alert(1)</script> `c` [l](https://e.org) $x$ <!-- /generated --> \\|"


def test_hostile_text_stays_in_its_cell() -> None:
    """Pipes, tags, links, code and comments of a stranger's record become letters."""
    record = gpu_records.failed(method="full", reason=HOSTILE)
    method = msgspec.structs.replace(record.case.method, title=HOSTILE)
    case = msgspec.structs.replace(record.case, method=method)
    text = made(gpu_records.record(), seal(msgspec.structs.replace(record, case=case)))
    for line in text.splitlines():
        assert not line.startswith(("# x", "<!--"))
    assert not re.search(r"(?<!\\)<", text)
    assert not re.search(r"(?<!\\)[\[$]", text)
    tables = [block for block in text.split("\n\n") if block.startswith("|")]
    for table in tables:
        widths = {len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) for line in table.splitlines()}
        assert len(widths) == 1


def test_code_is_fenced_whatever_backticks_it_has() -> None:
    """A command line of a stranger cannot end the code that it stands in."""
    assert markup.code("a b") == "`a b`"
    assert markup.code("a `x` ``y") == "```a `x` ``y```"
    assert markup.code("`x") == "`` `x ``"


def test_the_verb_selects_tables_and_models(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """--table and --models narrow what is printed, and mistakes in them are named."""
    given = ["export", str(RESULTS), "--format", "markdown"]
    assert main([*given, "--table", "comparison", "--models", "qwen3-32b"]) == 0
    shown = capsys.readouterr().out
    assert "#### Qwen3-32B" in shown
    assert "Qwen3-8B" not in shown
    assert main([*given, "--models", "qwen3-32"]) == 2
    assert "Did you mean 'qwen3-32b'" in capsys.readouterr().err
    assert main(["export", str(RESULTS), "--table", "fit"]) == 2
    assert "--format markdown" in capsys.readouterr().err


def test_steps_that_differ_are_told_with_what_the_gpu_did_meanwhile() -> None:
    """Published launches whose steps scatter: each with its deviation and its powers."""
    text = markdown(read([RESULTS]), only="steps")
    found = {row[0]: row[5:] for row in rows(text)}
    deviation, _, extra, clock, then = found["GPT-OSS-120B · Unsloth QLoRA"]
    assert deviation.endswith(" %")
    assert re.fullmatch(r"\d+ ± \d+ W", extra)
    assert re.fullmatch(r"[+−]\d\.\d\d ± \d\.\d\d %", clock)
    assert then == "waited"
    assert "Qwen3-32B · Unsloth LoRA" not in found
