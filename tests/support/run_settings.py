"""What tests of the session share: a case with short time-outs, and real scripted workers."""

import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import msgspec

from suite.catalog import profile as profiles
from suite.catalog.case import Case
from suite.catalog.parallel import Parallel
from suite.catalog.tier import Timeouts
from suite.results.record import seal
from suite.run.case.measurement import CaseFailed, Measurement, MeasurementSetting
from support import records

SCRIPT = Path(__file__).parent / "scripted_worker.py"
RANKS = Path(__file__).parent / "scripted_ranks.py"
SHORT = Timeouts(
    import_seconds=20, load_seconds=1, prepare_seconds=20, first_step_seconds=20, step_seconds=1
)


class Silent:
    """A reporter that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []

    def case_begun(self, case, number, total, launch, launches):
        self.told.append(("case", case.case_id, number, total))

    def phase_begun(self, name):
        self.told.append(("phase", name))

    def step_done(self, step, done, planned):
        self.told.append(("step", done, planned))

    def case_ended(self, record):
        self.told.append(("ended", record.outcome))


def scripted(behaviour: str) -> tuple[str, ...]:
    return (sys.executable, "-X", "faulthandler", str(SCRIPT), behaviour)


def scripted_ranks(tmp_path: Path, behaviour: str):
    """Run one case with two scripted ranks to its record; the second behaves as told."""
    return measure(
        tmp_path,
        "",
        command=(sys.executable, "-X", "faulthandler", str(RANKS), behaviour),
        case={
            "workload": msgspec.structs.replace(
                short_case().workload, parallel=Parallel(kind="ddp", gpus=2)
            ),
            "timeouts": msgspec.structs.replace(SHORT, load_seconds=20),
        },
    )


def short_case(method: str = "lora") -> Case:
    return msgspec.structs.replace(records.case(method=method), timeouts=SHORT)


def setting(tmp_path: Path, behaviour: str, **changes: object) -> MeasurementSetting:
    values = {
        "run_id": records.RUN_ID,
        "folder": tmp_path / "run",
        "profile": profiles.load("cpu"),
        "launch": 1,
        "weights": "dummy",
        "cache": tmp_path / "cache",
        "environment": records.environment(),
        "command": scripted(behaviour),
    }
    return MeasurementSetting(**{**values, **changes})


def measure(
    tmp_path: Path,
    behaviour: str,
    reporter: Silent | None = None,
    *,
    case: Mapping[str, object] = MappingProxyType({}),
    **changes: object,
):
    """Run one case with a scripted worker to its record, as the benchmark does.

    ``case`` replaces fields of the short case, ``changes`` those of the setting.
    """
    measurement = Measurement(
        msgspec.structs.replace(short_case(), **case),
        setting(tmp_path, behaviour, **changes),
        reporter or Silent(),
        seal,
    )
    try:
        measurement.warm_up()
        for _ in range(measurement.steady_steps):
            measurement.step()
        return measurement.finish()
    except CaseFailed as failed:
        return failed.record
    finally:
        measurement.close()
