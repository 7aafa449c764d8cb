"""How the repeats of a case were taken: by when they began, and in which places of an array."""

import math
from collections.abc import Mapping, Sequence
from itertools import groupby, pairwise

import numpy

from suite.results.comparison.side import Side
from suite.results.record import Record
from suite.results.stats.designs import Design, Sides

#: ABBA has never more of one side in a row.
MOST_IN_A_ROW = 2


def design(side: Side) -> Design:
    """Return how the repeats of a case were taken.

    In turns where never more than two of one side came in a row, at once where the two of each
    round overlap and rounds do not. What cannot be told from the times is one after the other.
    """
    _, before, after = side
    began = sorted(
        [(record.started_at, "base") for record in before]
        + [(record.started_at, "candidate") for record in after]
    )
    if at_once(before, after):
        return Design.AT_ONCE
    rows = (len(list(row)) for _, row in groupby(which for _, which in began))
    moments = {moment for moment, _ in began}
    in_turns = len(moments) == len(began) and max(rows) <= MOST_IN_A_ROW
    return Design.IN_TURNS if in_turns else Design.APART


def at_once(before: Sequence[Record], after: Sequence[Record]) -> bool:
    """Return whether repeats of the same number ran at the same time, and no others did."""
    theirs = {record.launch: record for record in after}
    if len(before) != len(after) or {record.launch for record in before} != theirs.keys():
        return False
    rounds = []
    for ours in before:
        both = (ours, theirs[ours.launch])
        if max(each.started_at for each in both) >= min(each.ended_at for each in both):
            return False
        rounds.append((min(r.started_at for r in both), max(r.ended_at for r in both)))
    return all(end <= begin for (_, end), (begin, _) in pairwise(sorted(rounds)))


class RepeatGrid:
    """The places of all repeats of a comparison in arrays ``(cases, repeats)``.

    Where each side is one run, a column is a number of repeats: a round, and the same time of all
    cases. Else it is the place of a repeat among those of its side and case, in the order of time.
    """

    def __init__(self, sides: Sequence[Side]) -> None:
        self.sides = list(sides)
        self.designs = [design(side) for side in sides]
        ends = (
            [record for _, before, _ in sides for record in before],
            [record for _, _, after in sides for record in after],
        )
        single = all(len({record.run_id for record in records}) <= 1 for records in ends)
        numbers = sorted({record.launch for records in ends for record in records})
        rounds = {number: at for at, number in enumerate(numbers)} if single else None
        self.columns = [
            tuple(_columns(records, rounds) for records in (before, after))
            for _, before, after in sides
        ]
        most = [max((len(side[which]) for side in sides), default=0) for which in (1, 2)]
        self._widths = [len(numbers)] * 2 if single else most
        self._at = [numpy.full((len(self.sides), width), numpy.nan) for width in self._widths]
        for row, (_, before, after) in enumerate(self.sides):
            order = sorted(
                (record.started_at, record.launch, which, record.record_id)
                for which, records in enumerate((before, after))
                for record in records
            )
            for place, (_, _, which, record_id) in enumerate(order):
                self._at[which][row, self.columns[row][which][record_id]] = place

    def filled(
        self,
        rows: Sequence[int],
        values: Sequence[tuple[Sequence[Sequence[Record]], Sequence[Sequence[float]]]],
    ) -> Sides:
        """Return the logarithms of positive values: of each row both sides' records and theirs."""
        logs = [numpy.full((len(rows), width), numpy.nan) for width in self._widths]
        for number, (row, ends) in enumerate(zip(rows, values, strict=True)):
            for which, (records, of) in enumerate(zip(*ends, strict=True)):
                columns = self.columns[row][which]
                for record, value in zip(records, of, strict=False):
                    logs[which][number, columns[record.record_id]] = math.log(value)
        places = [each[list(rows)] for each in self._at]
        return Sides(logs[0], logs[1], places[0], places[1])


def _columns(records: Sequence[Record], rounds: Mapping[int, int] | None) -> dict[str, int]:
    """Return the column of each record of one case and side, by id."""
    if rounds is not None:
        return {record.record_id: rounds[record.launch] for record in records}
    ordered = sorted(records, key=lambda each: (each.started_at, each.run_id, each.launch))
    return {record.record_id: at for at, record in enumerate(ordered)}
