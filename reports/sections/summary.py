"""What is said of all runs together: claim, scatter, fit, and what did not run."""

import statistics
from collections.abc import Callable, Mapping, Sequence

from reports.analysis.baselines import BASELINES
from reports.analysis.dataset import Dataset
from reports.published import headline_claim as claims
from reports.sections import (
    group_errors,
    hosts,
    memory_errors,
    scaling,
    searches,
    time_model,
    what_fits,
)
from reports.sections import losses as loss_table
from reports.text import columns, facts, phrases
from reports.text.blocks import Block, Heading, Part, Points, Prose, TextRow, table
from reports.text.numbers import paired_text, record_page
from suite import units
from suite.results.fidelity import Fidelity, geometric, mean_interval
from suite.results.pooled import PairedRatio
from suite.results.record import Record
from suite.results.replicates import Replicates
from suite.results.scatter.noise import GATE_LAUNCHES, MINIMUM_LAUNCHES
from suite.results.scatter.noise import noise as scatter
from suite.results.telemetry.long_steps import LEAST_DEVIATION, long_steps

CLAIM = 'The published claim is "up to 3x faster, 80 % less memory than standard LoRA".'


def claim(dataset: Dataset) -> list[Block]:
    """Return where the claim holds, in sentences a model, and the table they are read from."""
    held = claims.claim_cases(dataset)
    if not held:
        return []
    intro = (
        f"{CLAIM} Looked at here: {units.counted(len(held), 'case')} of Unsloth on GPUs, each with"
        " its own batch, length and trainer, beside each baseline that could be meant. Speed is"
        " tokens per second (padding excluded), memory the peak that torch allocated while"
        " training. Compared with LoRA, part of what 4-bit rows save is quantization; compared"
        " with QLoRA, all of it is Unsloth. PEFT + Liger is plain PEFT with Liger's kernels and"
        " the same storage of the weights. Cases whose losses differ from their reference's do"
        " not count."
    )
    said: list[Block] = []
    for model in dict.fromkeys(each.group.case.model for each in held):
        mine = [each for each in held if each.group.case.model == model]
        said += [Heading(text=model.title), Points(texts=tuple(claims.sentences(mine)))]
    header = ["Method", "Model", "Workload", "Trainer", "GPU", "Repeats"]
    for kind in BASELINES:
        header += [f"{what} vs {claims.NAMES[kind]}" for what in ("Speed", "Memory")]
    for half in (f"{claims.FASTER:g}× faster", f"{units.percent(claims.LESS_MEMORY)} less memory"):
        header.append(f"{half} than {claims.NAMES['plain']}")
    rows = (_row(_held(each), each.group.best) for each in held)
    return [Prose(text=intro), *said, table(header, rows, words=5)]


def _held(each: claims.ClaimCase) -> list[str]:
    case, gpu = each.group.case, each.group.best.environment.gpu
    row = [
        case.method.title,
        case.model.title,
        phrases.work(case.workload),
        phrases.LOOPS[case.loop],
    ]
    row += ["" if gpu is None else gpu.name, str(len(each.group.ok))]
    for kind in BASELINES:
        base = each.baselines.get(kind)
        speed, memory = (None, None) if base is None else (base.throughput, base.memory)
        row += ["" if speed is None else paired_text(speed), _change(memory)]
    plain = each.baselines.get("plain")
    if plain is None:
        return [*row, "", ""]
    saved = claims.saving(plain.memory)
    faster = None if plain.throughput is None else plain.throughput.value
    halves = ((faster, claims.FASTER), (saved, claims.LESS_MEMORY))
    return [*row, *("" if v is None else "yes" if v >= least else "no" for v, least in halves)]


def noise(dataset: Dataset) -> list[Block]:
    """Return how far launches of one case lie apart, where there are enough of them."""
    rows = []
    for group in dataset.groups:
        scattered = scatter(group)
        if scattered is None:
            continue
        mean = scattered.step_seconds_geometric_mean
        shares = (
            scattered.spread,
            scattered.range,
            scattered.first_loss_difference,
            scattered.trajectory_difference,
            scattered.gradient_norm_difference,
        )
        cells = [
            phrases.case_title(group.case),
            phrases.work(group.case.workload),
            _title(group),
            str(scattered.launches),
            "" if mean is None else columns.seconds(mean),
            *("" if share is None else columns.percent(share) for share in shares),
            *map(_seconds, (scattered.first_step_cold_seconds, scattered.first_step_warm_seconds)),
            _compiled_again(group),
            "yes"
            if scattered.gate
            else "no"
            if scattered.gpus <= 1
            else f"no: {scattered.gpus} GPUs",
        ]
        rows.append(_row(cells, group.best))
    if not rows:
        return []
    header = ["Case", "Workload", "On", "Repeats", "Step", "Spread", "Range", "First loss"]
    header += ["Any loss", "Any gradient norm"]
    header += ["First step, cold", "First step, warm", "Compiled again", "Gates"]
    text = (
        f"Cases with {MINIMUM_LAUNCHES} good repeats or more. Spread is the standard deviation of"
        " the logarithms of the repeats' mean step times, range is highest less lowest over"
        " their geometric mean; losses and gradient norms are the largest relative differences of"
        " a method to itself. First steps are medians, with compile caches cold and warm; compiled"
        " again is how many files warm repeats added to the caches. From"
        f" {GATE_LAUNCHES} repeats of one GPU on a spread can gate a change."
    )
    return [Prose(text=text), table(header, rows, words=3)]


def _change(ratio: PairedRatio | None) -> str:
    return "" if ratio is None else columns.signed_percent(ratio.value - 1)


def _compiled_again(group: Replicates) -> str:
    """Return how many files each warm launch added; nothing where one did not count them."""
    added = [record.compiled_files for record in group.ok if record.compile_cache == "warm"]
    known = [each for each in added if each is not None]
    if not added or len(known) < len(added):
        return ""
    least, most = min(known), max(known)
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"


def steps(dataset: Dataset) -> list[Block]:
    """Return what the GPU did where steps of one launch differ in length."""
    rows = [
        _row(
            [
                phrases.case_title(group.case),
                phrases.work(group.case.workload),
                _title(group),
                str(record.launch),
                str(found.steps),
                columns.percent(found.deviation),
                f"{found.mean_watts:,.0f} W",
                phrases.extra_power(found),
                phrases.clock_slope(found),
                phrases.CAUSES[found.cause],
            ],
            record,
        )
        for group in dataset.groups
        for record in group.ok
        if (found := long_steps(record)) is not None
    ]
    if not rows:
        return []
    header = ["Case", "Workload", "On", "Repeat", "Steps", "Deviation", "Power"]
    header += ["Extra time's power", "Clock, per 1 % longer", "The GPU then"]
    text = (
        f"Repeats on GPUs whose steady steps differ by {units.percent(LEAST_DEVIATION)} or more"
        " (standard deviation over mean), though each computes the same. Extra time's power is"
        " the slope of the energy counter's joules over seconds from step to step, ± two standard"
        " errors. Where it is far below the power of the steps, the GPU waited in longer steps;"
        " it was not slow. At the power limit a waiting GPU raises its clock, so we check the"
        " clock too."
    )
    return [Prose(text=text), table(header, rows, words=3)]


def _seconds(values: Sequence[float]) -> str:
    return columns.seconds(statistics.median(values)) if values else ""


AGAINST = {"script": "bare script", "weights": "quantized weights"}


def fidelity(dataset: Dataset) -> list[Block]:
    """Return how the suite's step times compare with those without it, or its dummy weights."""
    every = [
        (found.profile, each) for found in dataset.collection.fidelities for each in found.figures
    ]
    whole = [(profile, each) for profile, each in every if each.window_pairs]
    others = [(profile, each) for profile, each in every if not each.window_pairs]
    return [*_whole_launches(whole), *_turns(others)]


def _whole_launches(figures: Sequence[tuple[str, Fidelity]]) -> list[Block]:
    if not figures:
        return []
    text = (
        "A few dozen lines do the same training without the suite. A pair is one repeat of the"
        " suite and one of that script, each alone on the machine, one after the other; they take"
        " turns being first. Differences are suite ÷ script, with their 95 % intervals over pairs:"
        " of the median step, of the mean over the whole window of steady steps with the waits"
        " between them, and of the 10 % quantile. Within: all three intervals are within the"
        " limit. Over: one of them is beyond it. Waits: by what share the mean of the window"
        " exceeds the 10 % quantile, median and range of the repeats."
    )
    header = ["Case", "On", "Pairs", "Limit", "Script's median step"]
    header += ["Median step", "Mean of the window", "10 % quantile"]
    header += ["Suite's waits", "Script's waits"]
    rows = [
        _row(
            [
                each.case_id,
                profile,
                str(each.pairs),
                f"{units.percent(each.limit)}: {each.verdict}",
                columns.seconds(statistics.median(each.bare_seconds)),
                *(
                    _mean(geometric(pairs), pairs)
                    for pairs in (each.reported_pairs, each.window_pairs, each.low_pairs)
                ),
                _waits(each.suite_waits),
                _waits(each.bare_waits),
            ]
        )
        for profile, each in figures
    ]
    found: list[Block] = [Prose(text=text), table(header, rows, words=2)]
    pairs = [pair for _, each in figures for pair in each.waits_pairs]
    if mean_interval(pairs) is not None:
        suite = [share for _, each in figures for share in each.suite_waits]
        bare = [share for _, each in figures for share in each.bare_waits]
        found.append(
            Prose(
                text=f"Waits in all {len(pairs)} pairs: {_waits(suite)} in the suite,"
                f" {_waits(bare)} in the script. Window ÷ 10 % quantile, suite ÷ script:"
                f" {_mean(geometric(pairs), pairs)}."
            )
        )
    return found


def _waits(shares: Sequence[float]) -> str:
    if not shares:
        return ""
    middle, ends = statistics.median(shares), (min(shares), max(shares))
    text = f"{units.percent(middle)} ({units.percent(ends[0])} to {units.percent(ends[1])})"
    return columns.Quantity.of(text, middle, "%", ends)


def _turns(figures: Sequence[tuple[str, Fidelity]]) -> list[Block]:
    if not figures:
        return []
    rows = [
        _row(
            [
                each.case_id,
                profile,
                AGAINST[each.against],
                str(each.pairs),
                "repeats" if each.turn_steps is None else f"{each.turn_steps} steps",
                f"{units.percent(each.limit)}: {each.verdict}",
                columns.seconds(statistics.median(each.bare_seconds)),
                _mean(each.reported, each.reported_pairs),
                "" if each.wall is None else _mean(each.wall, each.wall_pairs),
                _interval(each.shortest_pairs),
                _interval(each.between_steps),
                "" if each.turns is None else phrases.CAUSES[each.turns.cause],
            ]
        )
        for profile, each in figures
    ]
    header = ["Case", "On", "Compared with", "Pairs", "Turns of", "Limit"]
    header += ["Its step", "Reported step"]
    header += ["End to end", "Shortest step", "Between steps", "GPU in longer turns"]
    text = (
        "Both at the same time, in turns of a few steps: while one computes, the other waits."
        " A disturbance of the machine then affects both sides, so this shows what differs between"
        " two kinds of weights, or between steps. It cannot show what a process does to itself"
        " alone; whole repeats, above, do. Rows with turns of repeats are from before the suite"
        " was mended in November 2026 (docs/python-stack.md)."
        " Quantized weights: one more of the suite's workers trains on weights that were drawn and"
        " then quantized, where the suite uses random 4-bit ones. Steps are medians, differences"
        " have their 95 % intervals over pairs. Reported: the step time of the results. End to"
        " end: from one step's end to the next, the waits between them included. Shortest step:"
        " the one step of each repeat that waited least, end to end where that is known. Between"
        " steps: how much longer end to end is than what was reported, in the suite's repeats"
        " alone. This bounds Tunebench's overhead; it also includes data loading."
        " GPU in longer turns: what it did in the extra time, whoever's turn it was, by its"
        " power and clock as below. Within: the intervals of reported and end to end are within"
        " the limit. Over: one is beyond it."
    )
    return [Prose(text=text), table(header, rows, words=3)]


def _mean(mean: float, shares: Sequence[float]) -> str:
    return columns.signed_percent(mean, mean_interval(shares))


def _interval(shares: Sequence[float]) -> str:
    found = mean_interval(shares)
    if found is None:
        return ""
    low, high = map(units.signed_percent, found)
    return f"{low.removesuffix(' %')} to {high}".replace(" %", "\N{NO-BREAK SPACE}%")


def failed(dataset: Dataset) -> list[Block]:
    """Return every case without a good launch: what became of it, and why."""
    rows = [
        _row(
            [
                phrases.case_title(group.case),
                phrases.work(group.case.workload),
                _title(group),
                phrases.outcome(group.best),
                phrases.short(group.best.reason),
            ],
            group.best,
        )
        for group in dataset.groups
        if not group.ok
    ]
    rows += [
        _row(
            [
                phrases.case_title(row.case),
                phrases.work(row.case.workload),
                section.title,
                row.outcome,
                row.reason,
            ]
        )
        for section in dataset.overview.sections
        for comparison in section.comparisons
        for row in comparison.rows
        if not row.href
    ]
    if not rows:
        return []
    return [table(["Case", "Workload", "On", "Outcome", "Why"], rows, words=5)]


def _title(group: Replicates) -> str:
    return facts.profile_title(group.records, group.first.profile)


def _row(cells: Sequence[str], record: Record | None = None) -> TextRow:
    return TextRow(cells=tuple(cells), page="" if record is None else record_page(record))


#: In the order in which Markdown has them.
PARTS: Mapping[str, tuple[str, Callable[[Dataset], list[Block]]]] = {
    "claim": ("The published claim", claim),
    "fidelity": ("What the suite itself changes", fidelity),
    "noise": ("From repeat to repeat", noise),
    "hosts": ("The hosts behind the GPUs", hosts.blocks),
    "losses": ("How far losses differ", loss_table.losses),
    "steps": ("From step to step", steps),
    "scaling": ("Several GPUs", scaling.scaling),
    "fit": ("What fits which GPU", what_fits.needs_and_cards),
    "searches": ("What fits a GPU, by trying", searches.searches),
    "memory": ("How far estimates of memory are off", memory_errors.memory),
    "memory-cases": ("Each estimate vs its measurement", memory_errors.memory_cases),
    "time-model": ("Step time of what was not measured", time_model.errors),
    "several-gpus": ("Several GPUs, estimated", group_errors.blocks),
    "published-times": ("Estimated vs published", time_model.published),
    "projected-pairs": ("One GPU vs another, estimated", time_model.pairs),
    "failed": ("What has no numbers, and why", failed),
}


def part(dataset: Dataset, name: str) -> Part:
    """Return one of ``PARTS``."""
    title, make = PARTS[name]
    return Part(name=name, title=title, blocks=tuple(make(dataset)))
