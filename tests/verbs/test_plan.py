"""``tunebench plan``: hours, energy and rent, each measured or projected, and mistakes."""

import json
import re
import statistics
from pathlib import Path

import msgspec
import pytest

from suite.catalog import case as cases
from suite.catalog import prices, tier
from suite.catalog import profile as profiles
from suite.catalog.prices import Own, Price
from suite.cli import main
from suite.errors import BadInput
from suite.estimate import explain, planner
from suite.estimate.interval import Interval
from suite.estimate.planner import Job, overnight, rent
from suite.paths import RESULTS
from suite.results.metrics import all_metrics
from suite.results.storage import run_folder
from support import gpu_records

ONE_CARD = ["--results", str(RESULTS / "h200-sxm")]  #: whatever else is published
MAX_Q = profiles.load("rtx-pro-6000-max-q")
BASE = ["plan", "--model", "qwen3-32b", "--tokens", "40M", "--epochs", "3"]


def answers(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, object]]:
    assert main([*BASE, *ONE_CARD, *arguments, "--json"]) == 0
    found: list[dict[str, object]] = json.loads(capsys.readouterr().out)["entries"]
    return found


def test_a_measured_row_is_the_records_own(capsys: pytest.CaptureFixture[str]) -> None:
    """Rate and seconds follow from the published launches, which the row names."""
    (row,) = answers(capsys, "--gpus", "h200-sxm", "--methods", "unsloth-lora")
    known = {record.record_id: record for record in run_folder.read([RESULTS]).records}
    ids = row["records"]
    assert isinstance(ids, list)
    rates = [all_metrics()["tokens_per_second"].compute(known[each]) for each in ids]
    middle = statistics.median([rate for rate in rates if rate is not None])
    assert row["basis"] == "measured"
    assert row["launches"] == len(rates) > 0
    assert row["seconds"]["value"] == pytest.approx(40e6 * 3 / middle)  # type: ignore[index]


def test_other_work_is_projected_and_never_the_measured_number(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Another length of rows on the same card is an estimate with an interval."""
    wanted = ["--gpus", "h200-sxm", "--methods", "unsloth-lora"]
    (row,) = answers(capsys, *wanted, "--seq", "1000")
    assert row["basis"] == "projected"
    assert row["records"] == []
    seconds = row["seconds"]
    assert seconds["low"] < seconds["value"] < seconds["high"]  # type: ignore[index]


def test_what_does_not_fit_costs_nothing_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """No hours are given for a job that the card cannot hold."""
    (row,) = answers(capsys, "--gpus", "rtx-4090", "--methods", "lora")
    assert row["fits"] == "does not fit"
    assert row["seconds"] is row["rent_usd"] is None
    assert "does not fit" in str(row["reason"])


def test_out_of_memory_where_it_ran_is_the_answer() -> None:
    """A record that ran out of memory outweighs every estimate."""
    (wanted,) = cases.cases(
        tier.load("standard"), loop="sft", seed=0, model_names=["qwen3-8b"], method_names=["lora"]
    )
    record = msgspec.structs.replace(gpu_records.failed(), case=wanted)
    entry = planner.fit_planner([record]).entry(wanted, profiles.load("h200-sxm"))
    assert entry.basis == "none"
    assert entry.verdict == "does not fit"
    assert entry.reason == explain.basis(entry) == "out of memory where it ran"
    elsewhere = planner.fit_planner([record]).entry(wanted, profiles.load("h100-sxm"))
    assert "nothing measured to estimate from" in elsewhere.reason


def test_the_table_marks_each_row_and_says_what_is_unknown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Measured and projected, launches, sources of prices, and what to buy would cost."""
    assert main([*BASE, *ONE_CARD, "--gpus", "h100-sxm,h200-sxm", "--methods", "lora"]) == 0
    shown = capsys.readouterr().out
    assert "120,000,000" not in shown  # tokens are those of the data, epochs stand beside
    assert "40,000,000 tokens (padding excluded), 3 epochs" in shown
    lines = {line.split()[0]: line for line in shown.splitlines() if line.startswith("h")}
    assert lines["h100-sxm"].endswith("estimated")
    verified = profiles.load("h100-sxm").verified
    assert ("(unverified)" in lines["h100-sxm"]) != verified
    assert "measured, 1 repeat" in lines["h200-sxm"] or "repeats" in lines["h200-sxm"]
    assert "hardware_profiles/prices.toml" in shown
    assert "Measured with random weights" in shown


def test_the_seeds_pairs_have_an_answer_with_its_reasons(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """On Qwen3-32B products and power decide; on GPT-OSS-120B with expert adapters, memory."""
    pair = [*ONE_CARD, "--gpus", "h100-sxm,rtx-pro-6000-max-q", "--why", "--tokens", "1M"]
    pair += ["--model"]
    assert main(["plan", *pair, "qwen3-32b", "--methods", "unsloth-lora"]) == 0
    dense = capsys.readouterr().out
    assert "matrix products" in dense
    assert "300 W of board power" in dense
    marked = f"the rate of {explain.marked('NVIDIA RTX PRO 6000 Blackwell Max-Q', MAX_Q)}"
    assert marked in dense
    assert main(["plan", *pair, "gpt-oss-120b", "--methods", "unsloth-qlora-experts"]) == 0
    experts = capsys.readouterr().out
    assert "does not fit NVIDIA H100 SXM" in experts
    assert "unpacking" in experts


def test_the_fine_print_is_that_of_what_projections_rest_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """No row is measured, and still: random weights, random routing, whether it was one host."""
    job = ["plan", "--tokens", "1M", "--gpus", "rtx-pro-6000-max-q", "--model"]
    asked = [*job, "gpt-oss-120b", "--methods", "unsloth-qlora"]
    first_day = sorted((RESULTS / "h200-sxm").glob("20261125*"))
    one_host = [each for folder in first_day for each in ("--results", str(folder))]
    assert main([*asked, *one_host]) == 0
    shown = capsys.readouterr().out
    assert "random weights of full size; estimates rest on them too" in shown
    assert "routing to experts is random" in shown
    assert "ran on one host" in shown
    assert main([*asked, *ONE_CARD]) == 0
    assert "ran on one host" not in capsys.readouterr().out, "two GPUs had a host of their own"
    assert main([*job, "qwen3-8b", "--methods", "lora", *ONE_CARD]) == 0
    assert "Routing" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--model", "qwen3-32b", "--tokens", "40X"], "write 40M"),
        (["--model", "qwen3-32b", "--tokens", "0"], "out of range"),
        (["--model", "qwen3-32b", "--tokens", "-5M"], "--tokens"),
        (["--model", "qwen3-32b", "--tokens", "1e99"], "write 40M"),
        (["--model", "qwen3-32b", "--tokens", "9999999G"], "out of range"),
        (["--model", "qwen3-32b", "--tokens", "1M", "--epochs", "0"], "above 0"),
        (["--model", "qwen3-32b", "--tokens", "1M", "--epochs", "nan"], "above 0"),
        (["--model", "qwen3-32b", "--tokens", "1M", "--hours", "-1"], "hours above 0"),
        (["--model", "qwen3-32b", "--tokens", "1M", "--price", "9000"], "--price needs --gpus"),
        (["--model", "qwen3-32b", "--tokens", "1M", "--kwh", "1"], "--kwh needs --price"),
        (
            ["--model", "qwen3-32b", "--tokens", "1M", "--gpus", "l40s", "--price", "inf"],
            "US dollars above 0",
        ),
        (["--model", "qwen3-32", "--tokens", "1M"], "Did you mean 'qwen3-32b'"),
        (["--model", "qwen3-8b", "--tokens", "1M", "--gpus", "h100"], "h100-sxm"),
        (["--model", "qwen3-8b", "--tokens", "1M", "--gpus", "l40s,cpu"], "cpu: not a GPU"),
        (["--model", "qwen3-8b", "--tokens", "1M", "--methods", "qlor"], "'qlora'"),
        (["--model", "qwen3-8b", "--tokens", "1M", "--seq", "40961"], "--seq 40961: qwen3-8b has"),
        (["--model", "qwen3-8b", "--tokens", "1M", "--count", "1,9"], "from 1 to 8: '1,9'"),
        (["--model", "qwen3-8b", "--tokens", "1M", "--count", "0"], "write 1,2,4,8"),
        (["--model", "qwen3-8b", "--tokens", "1M", "--count", "two"], "write 1,2,4,8"),
        (["--model", "qwen3-8b", "--tokens", "1M", "--parallel", "ddp"], "needs --count"),
        (
            [*BASE[1:], "--gpus", "h200-sxm", "--price", "9000", "--count", "2"],
            "--price is what one GPU costs",
        ),
        (["--errors", "--model", "qwen3-8b", "--json"], "contradicts --model, --json"),
        (["--model", "qwen3-8b"], "--tokens is needed"),
        (["--tokens", "1M"], "--model is needed"),
        (["--model", "qwen3-8b", "--tokens", "1M", "--results", "nowhere"], "nowhere"),
    ],
)
def test_bad_input_names_what_is_wrong(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, and one line that says what and what instead."""
    assert main(["plan", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_the_errors_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """--errors needs no job and prints how far held-out cases are off."""
    assert main(["plan", "--errors"]) == 0
    shown = capsys.readouterr().out
    assert "| one model at a time |" in shown
    assert "The aim is 20 %" in shown
    assert "on each of 2 GPUs (FSDP2)" in shown


def test_several_gpus_have_rows_and_an_answer(capsys: pytest.CaptureFixture[str]) -> None:
    """Each row says on how many GPUs and how; rent is of all; JSON has the same answer."""
    asked = ["plan", "--model", "qwen3-8b", "--tokens", "400M", "--gpus", "h200-sxm"]
    asked += ["--methods", "lora", "--count", "4,1,2"]
    assert main(asked) == 0
    shown = capsys.readouterr().out
    rows = [line.split() for line in shown.splitlines() if line.startswith("h200-sxm  ")]
    assert [row[1:3] for row in rows] == [["1", "lora"], ["2", "DDP"], ["4", "DDP"]]
    assert "train more tokens each" in shown
    assert "Nothing was measured on more than two" in shown
    assert main([*asked, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    (several,) = found["several_gpus"]
    assert several["text"] in shown
    assert [option["gpus"] for option in several["options"]] == [1, 2, 4]
    assert several["options"][0]["times_as_dear"]["value"] == 1
    one, two, four = found["entries"]
    assert (one["gpus"], two["parallel"], four["basis"]) == (1, "ddp", "projected")
    assert one["times_as_long"]["value"] == 1
    for row in (one, two, four):
        hourly = row["rent_usd"]["value"] / row["seconds"]["value"] / row["gpus"]
        assert hourly == pytest.approx(one["rent_usd"]["value"] / one["seconds"]["value"])
    assert main([*asked[:-1], "2,4", "--why"]) == 0
    shown = capsys.readouterr().out
    assert "has the shortest time" not in shown
    assert re.search(
        r"LoRA on 4 H200 SXM \(DDP\), estimated: .* what they exchange takes \d", shown
    )


def test_gpus_that_were_never_measured_together_are_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The answer is the reason, and which command would change that."""
    asked = ["plan", "--model", "qwen3-8b", "--tokens", "1M", "--gpus", "rtx-4090"]
    assert main([*asked, "--methods", "qlora", "--count", "2"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("No two GeForce RTX 4090 were measured together")
    assert "./tunebench run --tier two-gpus measures it" in shown


def test_the_answer_comes_first_and_json_has_it_too(capsys: pytest.CaptureFixture[str]) -> None:
    """One sentence a GPU, ratios with their interval, and when buying the first one pays."""
    asked = [*BASE, "--gpus", "rtx-pro-6000-max-q,h100-sxm", "--price", "9000", "--hours", "20"]
    assert main(asked) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(
        "On an RTX PRO 6000 Blackwell Max-Q, tuning Qwen3-32B on 40 M tokens × 3"
    )
    assert "In the time (20 h): " in shown
    assert re.search(r"h100-sxm: unsloth-lora has the shortest time; .* too close to call", shown)
    assert main([*asked, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    own, rented = found["answers"]
    assert shown.startswith(own["text"])
    assert own["break_even"] is None, "nobody is known to rent it"
    pays = rented["break_even"]
    assert pays["jobs"]["value"] == pytest.approx(9000 / pays["rent_usd"]["value"])
    ratios = {
        (row["profile"], row["method"]): row["times_as_long"]
        for row in found["entries"]
        if row["seconds"]
    }
    for ratio in ratios.values():
        assert ratio["low"] <= ratio["value"] <= ratio["high"]
        assert ratio["told_apart"] == (ratio["low"] > 1)
    assert ratios["h100-sxm", "lora"]["told_apart"]
    assert not ratios["rtx-pro-6000-max-q", "lora"]["told_apart"]
    for row in found["entries"]:
        assert 0 < row["needs_bytes"]["value"] < row["gpu_bytes"]


def test_a_night_is_eight_hours_over_the_whole_interval() -> None:
    """Exactly eight hours is done; an interval around it is borderline."""
    night = 8 * 3600.0
    assert overnight(Interval(value=night / 2, low=night / 3, high=night)) == "yes"
    assert overnight(Interval(value=night, low=night / 3, high=night + 1)) == "borderline"
    assert overnight(Interval(value=night + 2, low=night + 1, high=night + 3)) == "no"


def test_rent_spans_prices_and_time_and_is_unknown_without_one() -> None:
    """The middle price at the middle time; the ends at the ends; a purchase is no rent."""
    two = Interval(value=7200.0, low=3600.0, high=14400.0)
    rented = [
        Price(profile="l40s", source="x", date="2026-11", rent_usd_per_hour=dollars)
        for dollars in (3.0, 1.0, 2.0)
    ]
    assert rent(two, rented) == Interval(value=4.0, low=1.0, high=12.0)
    bought = Price(profile="l40s", source="x", date="2026-11", purchase_usd=7000.0)
    assert rent(two, [bought]) is None


def test_a_job_at_a_range_of_rates() -> None:
    """The fastest rate is the shortest time."""
    job = Job(tokens=1e6, epochs=2)
    found = job.time(Interval(value=200.0, low=100.0, high=400.0))
    assert found == Interval(value=1e4, low=5e3, high=2e4)
    assert explain.interval(found, lambda value: f"{value / 1e3:g} ks") == "10 ks (5–20)"
    assert explain.interval(found, explain.dollars) == "USD 10,000 (5,000–20,000)"


def test_an_estimate_has_fewer_digits_than_a_measurement(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The same hours read as measured in one row, and in two digits where they are projected."""
    plan, (case,) = (
        planner.fit_planner(run_folder.read([RESULTS]).records),
        cases.cases(
            tier.load("standard"),
            loop="sft",
            seed=0,
            model_names=["qwen3-8b"],
            method_names=["lora"],
        ),
    )
    found = Interval(value=18_788.0, low=16_000.0, high=30_000.0)
    measured = plan.entry(case, profiles.load("h200-sxm"))
    projected = plan.entry(case, profiles.load("b200"))
    assert explain.amount(measured, "hours", found) == "5.22 h (4.44–8.33)"
    assert explain.amount(projected, "hours", found) == "5.2 h (4.4–8.3)"
    wanted = [*BASE, *ONE_CARD, "--gpus", "rtx-5090", "--methods", "qlora", "--why"]
    assert main(wanted) == 0
    said = capsys.readouterr().out.partition("estimated: a step of")[2]
    numbers = re.findall(r"[\d,.]+(?= (?:m?s)\b)", said)
    assert len(numbers) >= 7
    for number in numbers:
        assert len(number.replace(",", "").replace(".", "").strip("0")) <= 3, number


def test_a_reworded_method_is_still_the_measured_one() -> None:
    """Editing what is said of a method takes no measured row away; editing a setting does."""
    (wanted,) = cases.cases(
        tier.load("standard"), loop="sft", seed=0, model_names=["qwen3-8b"], method_names=["lora"]
    )
    plan, card = planner.fit_planner(run_folder.read([RESULTS]).records), profiles.load("h200-sxm")
    reworded = msgspec.structs.replace(wanted.method, why="said otherwise")
    changed = msgspec.structs.replace(wanted.method, autocast=False)
    for method, basis in ((reworded, "measured"), (changed, "projected")):
        case = msgspec.structs.replace(wanted, method=method)
        assert plan.entry(case, card).basis == basis


def test_a_card_that_ran_out_of_memory_loses_to_one_that_holds_it() -> None:
    """The published H100 does not hold adapters on experts: that is the answer, with reasons."""
    known = planner.fit_planner(run_folder.read([RESULTS]).records)
    made = cases.cases(
        tier.load("gpt-oss"),
        loop="sft",
        seed=17,
        model_names=["gpt-oss-120b"],
        method_names=["unsloth-qlora", "unsloth-qlora-experts"],
    )
    attention, experts = list(made)
    cards = [profiles.load(name) for name in ("rtx-pro-6000-max-q", "h100-sxm")]
    said = explain.versus(*(known.entry(experts, card) for card in cards))
    assert said[0].endswith("because the case does not fit NVIDIA H100 SXM")
    assert cards[0].title in said[0]
    measured = known.entry(attention, cards[1])
    assert measured.basis == "measured"
    said = explain.versus(known.entry(attention, cards[0]), measured)
    assert any("by the model a step on" in each for each in said)
    assert said[0].startswith("too close to call, NVIDIA H100 SXM more likely ahead")
    assert said[1].endswith("others may turn the order round")
    assert "before July 2026 Unsloth computed these experts one by one" in said[2]
    (line,) = explain.sentences(measured)
    assert "measured; by the time model a step of" in line


def test_only_a_measured_order_of_two_cards_is_final() -> None:
    """A projection says what it is of; two measured cards stand as they were measured."""
    known = planner.fit_planner(run_folder.read([RESULTS]).records)
    (case,) = cases.cases(
        tier.load("standard"),
        loop="sft",
        seed=0,
        model_names=["qwen3-32b"],
        method_names=["unsloth-lora"],
    )
    h100, h200, max_q = (
        known.entry(case, profiles.load(name))
        for name in ("h100-sxm", "h200-sxm", "rtx-pro-6000-max-q")
    )
    said = "; ".join(explain.versus(h200, h100))
    assert "is ahead: " in said
    assert "may turn the order round" not in said
    projected = explain.versus(max_q, h100)
    assert projected[0].startswith("NVIDIA H100 SXM is estimated ahead: ")
    assert projected[1].endswith("others may turn the order round")
    assert "July 2026" not in "; ".join(projected), "it has no experts"
    there, back = explain.ratio(max_q, h100), explain.ratio(h100, max_q)
    assert there is not None
    assert back is not None
    assert (there.value, there.low, there.high) == pytest.approx(
        (1 / back.value, 1 / back.high, 1 / back.low)
    )


def test_the_cost_on_ones_own_card_is_its_share_and_the_energy() -> None:
    """An hour of 1,000 at 2,000 dollars is two, and half a kWh at 20 cents ten cents more."""
    known = [
        Price(profile="l40s", source="x", date="2026-11", purchase_usd=dollars)
        for dollars in (2000.0, 1000.0, 3000.0)
    ]
    terms = Own(usd_per_kwh=0.2, hours=1000)
    hour = Interval(value=3600, low=1800, high=7200)
    energy = Interval(value=1.8e6, low=0.9e6, high=3.6e6)
    found = planner.own(hour, energy, known, terms)
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((2.10, 0.55, 6.20))
    assert planner.own(hour, energy, [], terms) is None
    assert planner.own(hour, None, known, terms) is None
    assert planner.own(hour, energy, known, None) is None


def test_prices_of_ones_own_are_shown_with_their_terms(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A price and [own] in the file fill the column and are said below; a slip is refused."""
    file = tmp_path / "prices.toml"
    price = (
        '[[prices]]\nprofile = "h100-sxm"\npurchase_usd = 30000\nsource = "x"\ndate = "2026-11"\n'
    )
    file.write_text(f"[own]\nusd_per_kwh = 0.3\nhours = 10000\n{price}", encoding="utf-8")
    read_prices = prices.load
    known = read_prices(file)
    monkeypatch.setattr(prices, "load", lambda *_: known)
    wanted = [*BASE, "--gpus", "h100-sxm", "--methods", "lora"]
    assert main(wanted) == 0
    said = capsys.readouterr().out
    assert "spread over 10,000 hours of use, and USD 0.30 a kWh" in " ".join(said.split())
    assert main([*wanted, "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["entries"]
    hours, kwh = row["seconds"]["value"] / 3600, row["gpu_joules"]["value"] / 3.6e6
    assert row["own_usd"]["value"] == pytest.approx(3 * hours + 0.3 * kwh)
    file.write_text(f"[own]\nusd_per_kwh = 0.3\nhours = 0\n{price}", encoding="utf-8")
    with pytest.raises(BadInput, match=r"own\.hours"):
        read_prices(file)
