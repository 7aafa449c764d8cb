"""Hardware profiles and prices: what was transcribed is loaded, and nonsense is refused."""

import re
import shutil
from pathlib import Path

import pytest

from suite.catalog import prices, profile
from suite.cli import main
from suite.errors import BadInput, WrongMachine

#: GB as sold, GB/s, dense bfloat16 TFLOP/s, W, multiprocessors and PCIe generation.
CARDS = {
    "rtx-pro-6000-workstation": (96, 1792, 503.8, 600, 188, 5),
    "rtx-pro-6000-max-q": (96, 1792, 438.875, 300, 188, 5),
    "rtx-pro-6000-server": (96, 1597, 500, 600, 188, 5),
    "h100-sxm": (80, 3350, 989, 700, 132, 5),
    "h100-pcie": (80, 2000, 756, 350, 114, 5),
    "h200-sxm": (141, 4800, 989, 700, 132, 5),
    "b200": (180, 8000, 2250, 1000, 148, 5),
    "a100-80gb-sxm": (80, 2039, 312, 400, 108, 4),
    "a100-80gb-pcie": (80, 1935, 312, 300, 108, 4),
    "l40s": (48, 864, 362, 350, 142, 4),
    "rtx-6000-ada": (48, 960, 364, 300, 142, 4),
    "rtx-4090": (24, 1008, 165.2, 450, 128, 4),
    "rtx-5090": (32, 1792, 209.5, 575, 170, 5),
    "dgx-spark": (128, 273, 125, 140, 48, None),
}
GOOD = (profile.FOLDER / "h100-sxm.toml").read_text(encoding="utf-8")


def test_every_card_has_the_facts_that_its_sources_have() -> None:
    """A digit lost in transcription fails here, and so does a card that is not in this table."""
    found = {
        card.name: (
            (card.facts.value("memory_bytes") or 0) / 1e9,
            (card.facts.value("memory_bytes_per_second") or 0) / 1e9,
            (card.facts.value("bf16_flops") or 0) / 1e12,
            card.facts.value("board_power_watts"),
            card.facts.value("streaming_multiprocessors"),
            card.facts.value("pcie_generation"),
        )
        for card in profile.everything()
        if card.has_gpu
    }
    assert {name: pytest.approx(facts) for name, facts in CARDS.items()} == found


def test_the_editions_of_one_card_are_different_names() -> None:
    """Only the exact name tells the three RTX PRO 6000 apart; no name is the beginning of two."""
    names = [card.nvml_name for card in profile.everything() if card.nvml_name]
    assert len(names) == len(set(names))
    assert sum("RTX PRO 6000" in name for name in names) == 3


def test_only_what_has_published_records_is_verified() -> None:
    """A profile that nobody ran on does not say that somebody did."""
    published = {path.name for path in (profile.FOLDER.parent / "reports" / "results").iterdir()}
    verified = {card.name for card in profile.everything() if card.verified}
    assert verified == {"cpu", *(published & {*profile.names()})}


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("value = 989e12", "value = 989", "bf16_flops = 989 is absurd"),
        ("value = 3.35e12", "value = 3350", "memory_bytes_per_second = 3350 is absurd"),
        ("value = 80e9", "value = 80", "memory_bytes = 80 is absurd"),
        ("value = 80e9", "value = 160e9", "nvml_memory_bytes = 8.55208e+10 contradicts memory_"),
        ("value = 3.35e12", "value = 0.1e12", "bf16_flops = 9.89e+14 contradicts memory_bytes_"),
        ("value = 132", "value = 13", "bf16_flops = 9.89e+14 contradicts streaming_multi"),
        ("value = 132", "value = 13.5e9", "streaming_multiprocessors = 1.35e+10 is absurd"),
        ("value = 700", "value = -700", "key 'facts.board_power_watts.value'"),
        ('note = "dense', 'remark = "dense', "unknown key 'facts.bf16_flops.remark'"),
        ('note = "dense is half of the sparse figure that the vendor prints"', "", "without a"),
        ("verified = true", "", "missing required field `verified`"),
        ('compute_capability = "9.0"', 'compute_capability = "sm_90"', "compute_capability"),
        ("[facts.bf16_flops]", "[facts.bf16_flop]", "Did you mean 'bf16_flops'?"),
    ],
)
def test_a_bad_profile_names_file_key_and_reason(
    old: str, new: str, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Slips of a unit, contradictions and unknown keys are refused by ``validate`` with exit 2."""
    file = tmp_path / "hardware_profiles" / "mine.toml"
    file.parent.mkdir()
    assert old in GOOD
    file.write_text(GOOD.replace(old, new), encoding="utf-8")
    assert main(["validate", str(file)]) == 2
    shown = capsys.readouterr().out
    assert str(file) in shown
    assert reason in shown


def test_two_profiles_of_one_card_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """``auto`` could mean either; what does not need the card goes on, with the file named."""
    folder = tmp_path / "hardware_profiles"
    shutil.copytree(profile.FOLDER, folder)
    (folder / "twin.toml").write_text(GOOD, encoding="utf-8")
    assert main(["validate", str(folder / "twin.toml")]) == 2
    shown = capsys.readouterr().out
    assert "twin.toml" in shown
    assert "'NVIDIA H100 80GB HBM3' is that of h100-sxm.toml as well" in shown
    monkeypatch.setattr(profile, "FOLDER", folder)
    for command in (
        ["fit", "--model", "qwen3-8b", "--gpu", "twin"],
        ["plan", "--model", "qwen3-8b", "--tokens", "1M", "--gpus", "twin"],
        ["run", "--profile", "twin", "--dry-run"],
    ):
        assert main(command) == 2
        assert "twin.toml: key 'nvml_name'" in capsys.readouterr().err, command
    for command in (["list", "profiles"], ["fit", "--model", "qwen3-8b"]):
        assert main(command) == 0
        said = capsys.readouterr().err
        assert said.count("left out: ") == 1
        assert "twin.toml: key 'nvml_name'" in said


def test_name_and_memory_tell_two_cards_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An RTX 3080 of 10 and one of 12 GB both have a profile, and each GPU gets its own."""
    folder = tmp_path / "hardware_profiles"
    shutil.copytree(profile.FOLDER, folder)
    for size in (10, 12):
        (folder / f"rtx-3080-{size}gb.toml").write_text(
            CARD.replace("GIB", str(size << 30)), encoding="utf-8"
        )
    assert main(["validate", str(folder)]) == 0, capsys.readouterr().out
    monkeypatch.setattr(profile, "FOLDER", folder)
    name = "NVIDIA GeForce RTX 3080"
    for size in (10, 12):
        found = profile.of_gpu(name, (size << 30) * 0.98)
        assert found is not None
        assert found.name == f"rtx-3080-{size}gb"
    assert profile.of_gpu(name, 20 << 30) is None, "a third card of that name"
    with pytest.raises(WrongMachine, match="does not say how much memory"):
        profile.of_gpu(name, None)
    (folder / "rtx-3080-12gb.toml").write_text(CARD.replace("GIB", str(10 << 30)))
    with pytest.raises(BadInput, match="one GPU has one profile"):
        profile.of_gpu(name, 10 << 30)


CARD = """
title = "RTX 3080"
device = "cuda"
default_tier = "standard"
default_loop = "sft"
verified = false
nvml_name = "NVIDIA GeForce RTX 3080"
compute_capability = "8.6"
[facts.nvml_memory_bytes]
value = GIB
source = "nvidia-smi, entered 2026-11-27"
"""


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"cuda"', '"mps"', "Apple GPUs (MPS)"),
        ('"cuda"', '"ROCm"', "AMD GPUs (ROCm)"),
        ('"cuda"', '"cudda"', "Did you mean 'cuda'? Allowed: cpu, cuda"),
        ('"NVIDIA GeForce RTX 3080"', '"AMD Instinct MI300X"', "AMD GPUs (ROCm)"),
        ('"8.6"', '"7.5"', "bf16_flops: compute capability 7.5 has no bfloat16"),
        ('"8.6"', '"6.1"', "bf16_flops: compute capability 6.1 has no bfloat16"),
    ],
)
def test_what_cannot_be_measured_is_said_by_validate(
    old: str, new: str, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Other vendors get one sentence; a card without bfloat16 has no rate of it."""
    file = tmp_path / "hardware_profiles" / "mine.toml"
    file.parent.mkdir()
    rate = '[facts.bf16_flops]\nvalue = 65e12\nsource = "a data sheet, 2026"\n'
    file.write_text((CARD + rate).replace("GIB", "1e10").replace(old, new), encoding="utf-8")
    assert main(["validate", str(file)]) == 2
    assert reason in capsys.readouterr().out


def test_prices_are_of_known_cards_dated_and_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """The list shows the range that is in the file, and nothing where nothing is known."""
    known = prices.load()
    assert {price.profile for price in known.prices} <= {*profile.names()}
    rents = [price.rent_usd_per_hour for price in prices.rents(known.of("h100-sxm"))]
    assert (rents[0], rents[-1]) == (2.69, 12.29)
    assert main(["list", "profiles"]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert f"USD 2.69–12.29/h, {len(rents)} prices to 2026-11-09" in lines["h100-sxm"]
    assert "USD" not in lines["rtx-4090"]
    assert lines["rtx-4090"].endswith(" no")
    assert "prices" not in lines


PRICE = '[[prices]]\nprofile = "l40s"\nrent_usd_per_hour = 1\nsource = "me"\ndate = "2026-11-01"\n'


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("2026-11-01", "2026-13-01", "key 'prices[0].date': '2026-13-01' is no date"),
        ("2026-11-01", "1.11.2026", "key 'prices[0].date': '1.11.2026' is no date"),
        ("2026-11-01", "20261101", "key 'prices[0].date': '20261101' is no date"),
        ('"l40s"', '"l40"', "key 'prices[0].profile': unknown profile 'l40'"),
        ("= 1\n", "= -1\n", "key 'prices[0].rent_usd_per_hour'"),
        ("rent_usd_per_hour = 1\n", "", "give exactly one of rent_usd_per_hour and purchase_usd"),
        ("rent_usd_per_hour", "rent_eur_per_hour", "unknown key 'prices[].rent_eur_per_hour'"),
    ],
)
def test_a_bad_price_names_file_key_and_reason(
    old: str, new: str, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """People edit this file by hand; a wrong line says which and why, with exit 2."""
    file = tmp_path / "hardware_profiles" / "prices.toml"
    file.parent.mkdir()
    file.write_text(PRICE.replace(old, new), encoding="utf-8")
    assert main(["validate", str(file)]) == 2
    shown = capsys.readouterr().out
    assert str(file) in shown
    assert reason in shown


def test_a_month_is_a_date_and_no_file_is_no_price(tmp_path: Path) -> None:
    """A price may be known to the month only, and somebody may delete the file."""
    file = tmp_path / "prices.toml"
    assert prices.load(file).prices == ()
    file.write_text(PRICE.replace("2026-11-01", "2026-11"), encoding="utf-8")
    (price,) = prices.load(file).prices
    assert (price.date, price.rent_usd_per_hour, price.purchase_usd) == ("2026-11", 1.0, None)


def test_the_prices_are_no_profile() -> None:
    """They lie in the folder whose files are profiles."""
    assert "prices" not in profile.names()
    with pytest.raises(BadInput, match="unknown profile 'prices'"):
        profile.load("prices")


def test_every_fact_has_a_source_and_a_date() -> None:
    """The document's date or commit, or the day on which it was taken from there."""
    for card in profile.everything():
        for name in card.facts.__struct_fields__:
            fact = getattr(card.facts, name)
            if fact is not None:
                dated = re.search(r"\b20\d\d\b|@[0-9a-f]{7}\b", fact.source)
                assert dated, f"{card.name}: {name}: {fact.source}"
