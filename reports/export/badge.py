"""A badge: one case's throughput as a small SVG, for a README."""

from html import escape

from reports.text import phrases
from reports.text.numbers import spread, verdict
from suite import units
from suite.results.metrics import all_metrics
from suite.results.replicates import Replicates, summarize
from suite.results.validity.parity import References

HEIGHT, PAD = 20, 8
#: Mean width of a letter in pixels; ``textLength`` makes the text fit whatever the font.
LETTER = 6.4
GOOD, BAD, NAME = "#0f5ea8", "#a83c06", "#24292f"
MOST_LETTERS = 60
_FONT = "-apple-system, Segoe UI, Roboto, Liberation Sans, Arial, sans-serif"


def badge(group: Replicates, references: References) -> str:
    """Return the badge of a case: its name, and its throughput or what became of it, on what.

    The title says how sure the number is, which work that was, over how many launches and with
    which weights. Losses that do not agree with the reference are said in place of a number that
    would mislead.
    """
    record, case = group.best, group.case
    gpu = record.environment.gpu
    place = gpu.name if gpu is not None else group.first.profile
    value = summarize(group, all_metrics()["tokens_per_second"])
    good, sure = False, ""
    if not group.ok:
        message = phrases.outcome(record)
    elif verdict(group, references).kind == "bad":
        message = "losses differ from the reference"
    elif value is None:
        message = "throughput unknown"
    else:
        message, good = _rate(value.median), True
        sure = f" ({spread(value, _rate)})"
    weights = phrases.weights_named(each.weights for each in group.ok or group.records)
    title = (
        f"{phrases.case_title(case)}: {message}{sure} on {place}. {phrases.work(case.workload)},"
        f" {phrases.LOOPS[case.loop]}, seed {case.seed};"
        f" {phrases.launches(len(group.ok), len(group.records))}; {weights}"
    )
    return _svg(_cut(case.case_id), _cut(f"{message} on {place}"), title, GOOD if good else BAD)


def _rate(tokens_per_second: float) -> str:
    return units.rate(tokens_per_second, "token/s")


def _cut(text: str) -> str:
    line = units.printable(text)
    return line if len(line) <= MOST_LETTERS else f"{line[: MOST_LETTERS - 1]}…"


def _svg(name: str, message: str, title: str, color: str) -> str:
    left, right = (round(len(text) * LETTER) for text in (name, message))
    split, width = left + 2 * PAD, left + right + 4 * PAD
    title = escape(units.printable(title))
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{HEIGHT}" role="img" \
aria-label="{title}">
<title>{title}</title>
<rect width="{width}" height="{HEIGHT}" rx="3" fill="{NAME}"/>
<path d="M{split} 0h{width - split - 3}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3H{split}z" fill="{color}"/>
<g fill="#ffffff" font-family="{_FONT}" font-size="11">
<text x="{PAD}" y="14" textLength="{left}" lengthAdjust="spacingAndGlyphs">{escape(name)}</text>
<text x="{split + PAD}" y="14" textLength="{right}" lengthAdjust="spacingAndGlyphs">\
{escape(message)}</text>
</g>
</svg>
"""
