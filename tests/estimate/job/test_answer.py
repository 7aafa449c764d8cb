"""The answer in sentences: which methods it holds for, in what digits, and what has none."""

import pytest

from suite.catalog import profile as profiles
from suite.estimate import planner
from suite.estimate.interval import Interval
from suite.estimate.job import answer
from suite.estimate.job.answer import JobAnswer
from suite.estimate.job.ratios import against_quickest
from suite.estimate.planner import Job, Planner
from suite.paths import RESULTS
from suite.results.storage import run_folder
from support.asked import case

METHODS = ("lora", "unsloth-lora", "qlora", "unsloth-qlora")


@pytest.fixture(scope="module")
def plan() -> Planner:
    return planner.fit_planner(run_folder.read([RESULTS]).records)


def ask(plan: Planner, gpu: str, model: str = "qwen3-32b", *methods: str) -> JobAnswer:
    card = profiles.load(gpu)
    entries = [plan.entry(case(model, method), card) for method in methods or METHODS]
    ranked = against_quickest(entries, plan.ratio_widths, plan.scatter)
    return answer.answer(entries, ranked, Job(tokens=120e6, epochs=1))


def test_methods_that_cannot_be_told_apart_share_one_answer(plan: Planner) -> None:
    """The time spans them all, and so do the tokens of a night."""
    found = ask(plan, "rtx-pro-6000-max-q")
    said = " ".join(answer.sentences(found))
    assert "with any of four methods; they differ by less than the uncertainty" in said
    assert "Unsloth QLoRA needs the least memory: 23 of 96 GiB." in said
    assert "Estimated, not measured on this GPU." in said
    times = [found.job.time(e.tokens_per_second) for e in found.level if e.tokens_per_second]
    assert found.seconds is not None
    assert found.seconds.low == min(each.low for each in times)
    assert found.seconds.high == max(each.high for each in times)


def test_slower_methods_are_left_out_of_the_answer(plan: Planner) -> None:
    """On the H100 plain methods are surely slower: the time is of the others."""
    found = ask(plan, "h100-sxm")
    assert {entry.case.method.name for entry in found.level} == {"unsloth-lora", "unsloth-qlora"}
    said = answer.sentences(found)
    assert "(too close to call); the others take 1.5 times as long" in said[0]
    assert said[-1].startswith("Measured on this GPU")
    assert "about" not in said[0]


def test_what_does_not_fit_is_the_answer(plan: Planner) -> None:
    """No time is made up; the smallest need is named."""
    (said,) = answer.sentences(ask(plan, "l40s", "gpt-oss-120b", "unsloth-qlora"))
    assert said.startswith("On an L40S, GPT-OSS-120B does not fit with Unsloth QLoRA, which")
    (said,) = answer.sentences(ask(plan, "rtx-4090", "qwen3-32b", "lora", "unsloth-lora"))
    assert "fits with none of two methods: the least, Unsloth LoRA, needs 66 of 24 GiB." in said


def test_a_method_that_may_not_fit_is_named(plan: Planner) -> None:
    """A time alone would read as if it ran."""
    assert "May not fit: " in answer.sentences(ask(plan, "rtx-4090"))[1]


@pytest.mark.parametrize(
    ("hours", "measured", "said"),
    [
        ((35.0, 20.0, 53.0), False, "about 1½ days (20 to 53 h)"),
        ((24.0, 20.0, 30.0), False, "about 1 day (20 to 30 h)"),
        ((720.0, 500.0, 900.0), False, "about 30 days (500 to 900 h)"),
        ((5.23, 4.0, 7.0), False, "about 5.2 h (4.0 to 7.0 h)"),
        ((0.5, 0.25, 1.0), False, "about 30 min (15 to 60 min)"),
        ((12.46, 12.46, 12.46), True, "12.5 h"),
        ((30.0, 29.0, 31.0), True, "30.0 h (29.0 to 31.0 h)"),
    ],
)
def test_a_duration_is_in_the_unit_that_people_use(
    hours: tuple[float, float, float], measured: bool, said: str
) -> None:
    """Days from a day on, minutes below an hour; three digits where it was measured."""
    value, low, high = (3600 * each for each in hours)
    found = answer.duration(Interval(value=value, low=low, high=high), measured)
    assert found == said


def test_amounts_of_tokens_are_as_they_were_asked_for() -> None:
    """Nothing is rounded away, and nothing is there that was not asked."""
    assert [answer.amount(each) for each in (120e6, 1.5e9, 800, 40_500)] == [
        *("120 M", "1.5 B", "800", "40.5 k"),
    ]
    assert answer.tokens(Interval(value=28e6, low=18e6, high=48e6), False) == (
        "28 M tokens (18 to 48 M)"
    )


def test_the_article_is_as_the_name_is_read() -> None:
    """An H100 and an RTX, a B200 and a DGX."""
    found = {name: answer.article(profiles.load(name)) for name in ("h100-sxm", "l40s", "b200")}
    assert found == {"h100-sxm": "an", "l40s": "an", "b200": "a"}
