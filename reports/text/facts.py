"""Facts about a run or a record, as terms and texts, and what does not fit together."""

import re
from collections.abc import Iterable, Sequence

from reports.text import phrases
from suite import units
from suite.catalog import profile as profiles
from suite.results.plan import Plan
from suite.results.record import Container, Environment, Gpu, Origin, Record
from suite.results.samples import steady_steps
from suite.results.validity.settled import settled
from suite.wire import Failure

#: The packages named on the overview, in this order; a record's page names all.
SOFTWARE = ("torch", "transformers", "peft", "trl", "bitsandbytes", "unsloth", "liger-kernel")

Facts = tuple[tuple[str, str], ...]


def hardware(environment: Environment) -> str:
    """Return the device that did the work: ``NVIDIA H200, 141 GiB`` or a CPU's name."""
    if environment.gpu is not None:
        total = environment.gpu.memory_total_bytes
        return environment.gpu.name + (f", {units.bytes_(total)}" if total is not None else "")
    threads = environment.versions.cpu_threads if environment.versions else None
    used = f", {threads} threads" if threads else ""
    return f"{environment.cpu}{used}"


def profile_title(records: Sequence[Record], name: str) -> str:
    """Return the profile's title, and whose the records are where they are others'."""
    return with_origins(hardware_title(records, name), records)


def hardware_title(records: Sequence[Record], name: str) -> str:
    """Return the profile's title: as recorded, else the catalog's, else its name."""
    recorded = next((r.hardware.title for r in records if r.hardware is not None), None)
    if recorded is not None:
        return recorded
    known = profiles.known(name)
    return name if known is None else known.title


def with_origins(title: str, records: Iterable[Record]) -> str:
    """Return what hardware is called, and whose its records are: ``RTX 4090 (by ada)``."""
    names = dict.fromkeys(record.origin.name if record.origin else None for record in records)
    others = " and ".join(units.printable(name) for name in names if name is not None)
    if not others:
        return title
    return f"{title} ({'in part ' if None in names else ''}by {others})"


def of_run(records: Sequence[Record], plan: Plan | None, run_id: str) -> Facts:
    """Return what is the same for a whole run; an unknown fact is left out."""
    terms: list[tuple[str, str]] = []
    if records:
        shown = next((r for r in records if r.environment.versions is not None), records[0])
        environment = shown.environment
        terms.append(("Device", hardware(environment)))
        if environment.gpu is not None:
            terms += _gpu(environment.gpu)
        terms.append(("Software", ", ".join(_software(records))))
        weights = phrases.weights_named(r.weights for r in records if r.outcome == "ok")
        terms.append(("Weights", weights))
        begun = min(record.started_at for record in records)
        terms.append(("Measured", phrases.when(begun)))
        terms += _origin(records[0].origin)
        terms.append(("Suite", _suite(environment)))
    if plan is not None:
        terms.append(("Plan", _plan(plan)))
    terms.append(("Session", run_id))
    return tuple((term, text) for term, text in terms if text)


def of_record(record: Record) -> Facts:
    """Return which record this is, and how its case went as a whole."""
    plain = [
        ("Case", record.case_id),
        *_origin(record.origin),
        ("Profile", profile_title([record], record.profile)),
        ("Device", hardware(record.environment)),
        ("Engine", record.engine),
        ("Weights", phrases.weights_name(record.weights)),
        ("Repeat", str(record.launch)),
        ("Session", record.run_id),
        ("Begun", phrases.when(record.started_at)),
        ("Wall clock", _seconds(record.wall_seconds)),
        ("Outside the worker", _seconds(record.harness_seconds)),
        *_failure(record.failure),
        ("Warm-up", _warmup(record)),
        ("Step time settled", _settled(record)),
        ("Compile caches", _compiled(record)),
        ("Telemetry", _telemetry(record)),
        ("Worker's exit code", "" if record.exit_code is None else str(record.exit_code)),
        ("Record", f"{record.record_id}, schema {record.schema}"),
        ("Workload key", record.work_key),
    ]
    return tuple((term, text) for term, text in plain if text)


def _origin(origin: Origin | None) -> Facts:
    if origin is None:
        return ()
    return (("Measured by", origin.name), ("Their machine", origin.machine or ""))


def _compiled(record: Record) -> str:
    state, files = record.compile_cache, record.compiled_files
    if state is None or files is None:
        return state or ""
    return f"{state}, {units.counted(files, 'file')} added"


def of_environment(environment: Environment) -> Facts:
    """Return the machine and the software around the run."""
    terms = [
        ("Python", environment.python),
        ("Platform", environment.platform),
        ("CPU", f"{environment.cpu}, {environment.cpu_count} cores"),
        ("Host memory", units.bytes_(environment.memory_bytes)),
        ("Suite", _suite(environment)),
        ("Lock of training packages", environment.lock_hash or ""),
    ]
    if environment.container is not None:
        terms += _container(environment.container)
    if environment.gpu is not None:
        for field in environment.gpu.__struct_fields__:
            value = getattr(environment.gpu, field)
            terms.append((f"GPU {field.replace('_', ' ')}", "" if value is None else str(value)))
    if environment.versions is not None:
        terms.append(("CUDA of torch", environment.versions.torch_cuda or ""))
        terms.append(("Device of torch", environment.versions.device_name or ""))
    probe = environment.probe
    if probe is not None:
        matmul = units.scaled(probe.matmul_flops_per_second, "FLOP/s")
        copy = units.scaled(probe.copy_bytes_per_second, "B/s")
        terms.append(("Measured matrix products", f"{matmul} ({probe.matmul})"))
        terms.append(("Measured copies", f"{copy} ({probe.copy})"))
    return tuple((term, text) for term, text in terms if text)


def _seconds(value: float | None) -> str:
    return "" if value is None else units.seconds(value)


def _failure(failure: Failure | None) -> Facts:
    """Return the memory that a case asked for in vain, and the most it had until then."""
    if failure is None:
        return ()
    found = (
        ("Asked for", failure.requested_bytes),
        ("Most memory until then", failure.peak_bytes),
    )
    return tuple((term, units.bytes_(size)) for term, size in found if size is not None)


def _telemetry(record: Record) -> str:
    telemetry = record.telemetry
    if telemetry is None:
        return ""
    period = units.seconds(telemetry.period_seconds)
    samples = f"{len(telemetry.elapsed_seconds)} samples, every {period}, in the JSON"
    strangers = telemetry.foreign_processes
    return f"{samples}; {strangers} foreign processes on the GPU" if strangers else samples


def _warmup(record: Record) -> str:
    steps = sum(step.role == "warmup" for step in record.steps)
    return units.counted(steps, "step") if steps else ""


def _settled(record: Record) -> str:
    """Return whether the steady steps had settled, and how well they know their mean."""
    if not steady_steps(record):
        return ""
    found = settled(record)
    answer = {True: "yes", False: "no", None: "unknown"}[found.settled]
    error = "" if found.error is None else f", the mean step {units.plus_minus(found.error)}"
    why = f": {found.reason}" if found.settled is None else ""  # else it is a note of the record
    return f"{answer}{error}{why}"


def conflicts(records: Iterable[Record]) -> tuple[str, ...]:
    """Return what changed within a run and should not have: GPU, driver, packages, revision."""
    return tuple(
        f"{name} changed within this session: {', '.join(values)}"
        for name, values in changes(records).items()
    )


def _revision(text: str | None) -> str:
    """Return a commit as people write it; what stands behind it, that files differ, stays."""
    return re.sub(r"^([0-9a-f]{9})[0-9a-f]{31}", r"\1", text or "")


def changes(records: Iterable[Record]) -> dict[str, list[str]]:
    """Return what is not the same in all records, of GPU, driver, packages and revision.

    Each has its values in order; "" is one that a record does not know.
    """
    seen: dict[str, set[str]] = {}
    for record in records:
        environment, gpu = record.environment, record.environment.gpu
        image = environment.container.image_id if environment.container is not None else ""
        seen.setdefault("image", set()).add(image)
        seen.setdefault("suite revision", set()).add(_revision(environment.revision))
        seen.setdefault("origin", set()).add(
            record.origin.name if record.origin else "the project's own"
        )
        if gpu is not None:
            seen.setdefault("GPU", set()).add(f"{gpu.name} {gpu.uuid_hash}")
            seen.setdefault("driver", set()).add(gpu.driver)
            limit = gpu.power_limit_watts
            seen.setdefault("power limit", set()).add("" if limit is None else f"{limit:g} W")
        if environment.versions is not None:
            for name, version in environment.versions.packages.items():
                seen.setdefault(name, set()).add(version)
    return {name: sorted(values) for name, values in seen.items() if len(values) > 1}


def _container(container: Container) -> Facts:
    current = {True: "", False: ", not the repository's", None: ""}[container.lock_is_current]
    base = " ".join(filter(None, (container.base, container.base_digest)))
    engine = container.engine_version or ""
    if engine[:1].isdigit():  # another engine than Docker says its name
        engine = f"Docker {engine}"
    same = {True: "the host's", False: "not what the host sees", None: ""}[container.same_gpu]
    return (
        ("Image", f"{container.image} ({container.image_id})"),
        ("Image digest", container.digest or ""),
        ("Base image", base),
        ("Lock of the image", f"{container.lock_hash}{current}" if container.lock_hash else ""),
        ("Container engine", ", ".join(filter(None, (engine, container.runtime)))),
        ("GPU and driver in the container", same),
    )


def _gpu(gpu: Gpu) -> Facts:
    limit = None if gpu.power_limit_watts is None else f"{gpu.power_limit_watts:g} W"
    return (("Driver", gpu.driver), ("Power limit", limit or ""))


def _software(records: Sequence[Record]) -> list[str]:
    packages: dict[str, str] = {}
    for record in records:
        if record.environment.versions is not None:
            packages = {**record.environment.versions.packages, **packages}
    return [f"{name} {packages[name]}" for name in SOFTWARE if name in packages]


def _suite(environment: Environment) -> str:
    text = f"tunebench {environment.suite_version}, {environment.runner}"
    if environment.revision:
        changed = " with changes" if environment.dirty else ""
        text += f", revision {environment.revision[:12]}{changed}"
    return text


def _plan(plan: Plan) -> str:
    cases = "1 case" if len(plan.cases) == 1 else f"{len(plan.cases)} cases"
    return f"tier {plan.tier}, {cases}, {phrases.launches(plan.launches, plan.launches)}"
