"""Many made-up cards: copies of published records, to measure the report with. Never results.

``synthetic.py OUT RECORDS`` writes a folder for each of ten cards, all with as many records, below
OUT. Every title, run and profile says that it is synthetic.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from suite.catalog import case as cases
from suite.paths import RESULTS
from suite.results.record import Record, encode, seal
from suite.results.storage.reader import JOURNAL, read

CARDS = 10


def write(out: Path, total: int) -> None:
    """Write ``total`` records (in tens) as journals, one folder a card."""
    found = [record for record in read([RESULTS]).records if record.environment.gpu is not None]
    for card in range(1, CARDS + 1):
        folder = out / f"synthetic-{card}"
        folder.mkdir(parents=True)
        with (folder / JOURNAL).open("wb") as journal:
            for record in copies(found, card, total // CARDS):
                journal.write(encode(record) + b"\n")


def copies(found: Sequence[Record], card: int, count: int) -> Iterator[Record]:
    """Yield ``count`` records of one card: the published cases, again and again with other seeds.

    Each card is 3 % slower than the one before; each seed is other work.
    """
    for number in range(count):
        record = found[number % len(found)]
        yield _copy(record, card, record.case.seed + number // len(found))


def _copy(record: Record, card: int, seed: int) -> Record:
    gpu, hardware = record.environment.gpu, record.hardware
    assert gpu is not None
    name, title = f"synthetic-{card}", f"Synthetic card {card}"
    case_id = f"{record.case_id}-seed-{seed}-of-{record.run_id[-8:]}"
    case = msgspec.structs.replace(record.case, seed=seed, case_id=case_id)
    slower = 1.03**card
    return seal(
        msgspec.structs.replace(
            record,
            run_id=f"{record.run_id[:16]}-{name}",
            profile=name,
            case=case,
            case_id=case_id,
            work_key=cases.work_key(case),
            steps=tuple(
                msgspec.structs.replace(step, seconds=step.seconds * slower)
                for step in record.steps
            ),
            environment=msgspec.structs.replace(
                record.environment, gpu=msgspec.structs.replace(gpu, name=title)
            ),
            hardware=None if hardware is None else msgspec.structs.replace(hardware, title=title),
        )
    )


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]))
