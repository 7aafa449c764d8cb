"""What the ranks of one case say, put together into what one worker would have said.

A frame of every rank becomes one frame: tokens are added up, a step's loss is the mean of the
ranks', all else is the first rank's. What each said is kept for the record.
"""

import math
from collections.abc import Sequence
from typing import get_args

import msgspec

from suite.results.record import Outcome, Rank, RankStep
from suite.run.case.outcome import Ended
from suite.wire import (
    Failed,
    Failure,
    Finished,
    FromRank,
    OfRank,
    Phase,
    PhaseBegun,
    PhaseDone,
    PhaseName,
    RankLeft,
    Ready,
    Standings,
    Step,
    StepDone,
)
from suite.wire.ranks import Interconnect

PHASES: tuple[PhaseName, ...] = get_args(PhaseName)
#: Functions in which a rank waits for others; one that is elsewhere keeps them waiting.
WAITS = (
    *("_engine_run_backward", "synchronize", "barrier", "item", "tolist", "wait"),
    *("all_reduce", "all_gather_into_tensor", "broadcast", "reduce_scatter_tensor"),
    *("_foreach_norm", "unshard", "wait_for_unshard"),
)
#: What a library says when another rank is gone: seldom the first cause.
CONSEQUENCES = ("Connection closed by peer", "Connection reset", "DistBackendError", "DistNetwork")


class _Heard:
    """One rank so far."""

    def __init__(self) -> None:
        self.phase: PhaseName = "start"
        self.phases: list[Phase] = []
        self.steps: list[StepDone] = []
        self.ready: Ready | None = None
        self.finished: Finished | None = None


class Ranks:
    """Hears the ranks of one case; ``take`` returns what all of them have said together."""

    def __init__(self, count: int) -> None:
        self._heard = [_Heard() for _ in range(count)]
        self._handed_on = 0  #: steps that every rank had taken

    @property
    def interconnect(self) -> Interconnect | None:
        """Return what the first rank measured of the links between them."""
        ready = self._heard[0].ready
        return None if ready is None or ready.rank is None else ready.rank.interconnect

    def take(self, told: OfRank) -> FromRank | None:
        """Keep a frame; return one that is for the session, or None where others are awaited.

        Raises Ended where ranks would not train the same thing.
        """
        heard, frame = self._heard[told.rank], told.frame
        match frame:
            case PhaseBegun():
                heard.phase = frame.name
            case PhaseDone():
                heard.phases.append(frame.phase)
            case StepDone():
                heard.steps.append(frame)
                return self._step()
            case Ready():
                heard.ready = frame
                return self._ready()
            case Finished():
                heard.finished = frame
                return self._finished()
            case Failed():
                failure = msgspec.structs.replace(frame.failure, rank=told.rank)
                return Failed(failure=failure)
        return frame if told.rank == 0 else None

    def phase(self, rank: int) -> PhaseName:
        """Return the phase that a rank is in."""
        return self._heard[rank].phase

    def records(self) -> tuple[Rank, ...]:
        """Return what each rank said, as a record keeps it."""
        return tuple(
            Rank(
                rank=number,
                phases=tuple(heard.phases),
                steps=tuple(
                    RankStep(
                        seconds=done.step.seconds,
                        tokens_real=done.step.tokens_real,
                        loss=done.step.loss,
                        gradient_norm=done.step.gradient_norm,
                    )
                    for done in heard.steps
                ),
                ready=heard.ready.rank if heard.ready is not None else None,
                done=heard.finished.rank if heard.finished is not None else None,
                ledger=heard.finished.ledger if heard.finished is not None else None,
            )
            for number, heard in enumerate(self._heard)
        )

    def behind(self, standings: Standings | None) -> str:
        """Return which rank keeps the others waiting, as far as anything shows it."""
        progress = [(PHASES.index(heard.phase), len(heard.steps)) for heard in self._heard]
        late = [number for number, done in enumerate(progress) if done < max(progress)]
        places = {} if standings is None else {one.rank: one.place for one in standings.ranks}
        if not late:
            late = [
                number for number, place in places.items() if place.partition(" ")[0] not in WAITS
            ]
        where = "; ".join(f"rank {number} in {place}" for number, place in places.items())
        if not late or len(late) == len(self._heard):
            return f"no rank is behind the others{f': {where}' if where else ''}"
        named = " and ".join(f"rank {number}" for number in late)
        return f"the others wait for {named}{f': {where}' if where else ''}"

    def _step(self) -> StepDone | None:
        if min(len(heard.steps) for heard in self._heard) <= self._handed_on:
            return None
        together = [heard.steps[self._handed_on] for heard in self._heard]
        self._handed_on += 1
        steps = [done.step for done in together]
        if len({step.index for step in steps}) > 1:
            raise Ended("error", "steady", "ranks report different steps")
        return msgspec.structs.replace(together[0], step=_together(steps))

    def _ready(self) -> Ready | None:
        told = [heard.ready for heard in self._heard if heard.ready is not None]
        if len(told) < len(self._heard):
            return None
        for rank, other in enumerate(told[1:], 1):
            for what, ours, theirs in (
                ("versions", told[0].versions.packages, other.versions.packages),
                ("data", told[0].rank and told[0].rank.data, other.rank and other.rank.data),
                ("weights", told[0].weights, other.weights),
            ):
                if ours != theirs:
                    raise Ended("invalid", "prepare", f"rank {rank} has other {what} than rank 0")
        return told[0]

    def _finished(self) -> Finished | None:
        told = [heard.finished for heard in self._heard if heard.finished is not None]
        return told[0] if len(told) == len(self._heard) else None


def _together(steps: Sequence[Step]) -> Step:
    losses = [step.loss for step in steps if step.loss is not None]
    known = len(losses) == len(steps)
    return msgspec.structs.replace(
        steps[0],
        tokens_padded=sum(step.tokens_padded for step in steps),
        tokens_real=sum(step.tokens_real for step in steps),
        tokens_loss=sum(step.tokens_loss for step in steps),
        row_tokens=tuple(length for step in steps for length in step.row_tokens),
        loss=math.fsum(losses) / len(steps) if known else None,
        loss_text=None if known else next(step.loss_text for step in steps if step.loss is None),
    )


def first_cause(ends: Sequence[Failure | RankLeft]) -> Failure | RankLeft:
    """Return, of how ranks ended within moments, what the others followed from."""

    def order(end: Failure | RankLeft) -> int:
        if isinstance(end, RankLeft):
            return 1
        if end.kind == "oom":
            return 0
        if any(words in end.message for words in CONSEQUENCES):
            return 3
        return 2

    return min(ends, key=order)  # of equals the first that was heard


def named(ended: Ended, rank: int) -> Ended:
    """Return an end that says which rank it was."""
    outcome: Outcome = ended.outcome
    return Ended(outcome, ended.phase, f"rank {rank}: {ended.reason}", ended.failure)
