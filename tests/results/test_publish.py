import shutil
from pathlib import Path

import msgspec
import pytest

import records
from suite.errors import BadInput
from suite.results import store
from suite.results.collection import NOISE
from suite.results.noise import NoiseFile, of_records
from suite.results.publish import publish, scrub, write_noise
from suite.results.record import Container


def _run(folder: Path, *, finish: bool = True) -> Path:
    plan = records.plan()
    with store.create(folder, plan) as run:
        for case in plan.cases[: None if finish else 1]:
            tail = ("cache in /home/ada/.cache/x",)
            run.append(records.record(case.model.name, case.method.name, output_tail=tail))
    return folder


def test_a_published_run_reads_back_with_the_same_measurements(tmp_path: Path):
    """Steps, outcome and settings survive; only texts that name the machine change."""
    run = _run(tmp_path / "run")
    folder = publish(run, tmp_path / "results")
    before, after = store.read([run]), store.read([folder])
    assert folder == tmp_path / "results" / "cpu" / before.plans[0].run_id
    assert [r.steps for r in after.records] == [r.steps for r in before.records]
    assert after.problems == ()
    assert "home/ada" not in (folder / "journal.jsonl").read_text()


def test_paths_go_and_everything_that_only_looks_like_one_stays():
    """An absolute path keeps its last part; URLs, repositories, units and formulas stay whole."""
    tail = (
        "saved to /home/ada/runs/7/model.bin.",
        "see https://example.org/a/b/c and openai/gpt-oss",
        "12 token/s at 3/4 load",
        'File "/opt/x/y.py", line 3; ~/secret/place',
    )
    scrubbed = scrub(records.record(output_tail=tail)).output_tail
    assert scrubbed[0] == "saved to .../model.bin."
    assert scrubbed[1:3] == tail[1:3]
    assert scrubbed[3] == 'File ".../y.py", line 3; .../place'


def test_the_hosts_name_goes():
    """A name given as the host's is replaced as a word, not inside other words."""
    record = records.record(output_tail=("on gamma: ok", "gammarays"))
    assert scrub(record, frozenset({"gamma"})).output_tail == ("on HOST: ok", "gammarays")


@pytest.mark.parametrize(
    ("image", "published"),
    [
        ("harbor.lab.example:5000/ml/tunebench:1", "REGISTRY/ml/tunebench:1"),
        ("localhost/tunebench", "REGISTRY/tunebench"),
        ("ghcr.io/ada/tunebench:1", "ghcr.io/ada/tunebench:1"),
        ("tunebench/cpu:0123456789ab", "tunebench/cpu:0123456789ab"),
    ],
)
def test_a_private_registrys_host_goes(image: str, published: str):
    """Of an image and its base; public registries and names without one stay."""
    container = Container(image=image, image_id="sha256:0", base=image)
    environment = msgspec.structs.replace(records.environment(), container=container)
    found = scrub(records.record(environment=environment)).environment.container
    assert found is not None
    assert (found.image, found.base) == (published, published)
    unknown = msgspec.structs.replace(container, base=None)
    environment = msgspec.structs.replace(environment, container=unknown)
    found = scrub(records.record(environment=environment)).environment.container
    assert found is not None
    assert found.base is None


def test_an_unfinished_run_is_refused_with_the_way_to_finish_it(tmp_path: Path):
    """A case without a record would vanish from the published set."""
    run = _run(tmp_path / "run", finish=False)
    with pytest.raises(BadInput, match="1 of 2 cases have no record") as error:
        publish(run, tmp_path / "results")
    assert "--resume" in error.value.hint


def test_a_partial_run_can_be_published_and_still_names_what_is_missing(tmp_path: Path):
    """What was measured before a machine went away is not lost, and not mistaken for all."""
    run = _run(tmp_path / "run", finish=False)
    folder = publish(run, tmp_path / "results", partial=True)
    found = store.read([folder])
    assert [record.method for record in found.records] == ["lora"]
    assert [case.method.name for _, _, case in found.missing()] == ["qlora"]


def _launches(folder: Path, run_id: str, number: int) -> Path:
    plan = records.plan(run_id=run_id, methods=("lora",), launches=number)
    with store.create(folder, plan) as run:
        for launch in range(1, number + 1):
            run.append(records.record(run_id=run_id, launch=launch, seconds=0.1 + launch / 1000))
    return folder


def test_publishing_writes_the_noise_of_all_that_is_published(tmp_path: Path):
    """noise.json grows with the runs, names the published records and is no foreign file."""
    results = tmp_path / "results"
    publish(_launches(tmp_path / "a", "20261124T070000Z-0000000a", 2), results)
    assert not (results / "cpu" / NOISE).exists()
    for run_id, number in (("20261124T070000Z-0000000b", 5), ("20261124T070000Z-0000000c", 3)):
        publish(_launches(tmp_path / run_id[-1], run_id, number), results)
    written = msgspec.json.decode((results / "cpu" / NOISE).read_bytes(), type=NoiseFile)
    assert [(case.launches, case.gate) for case in written.cases] == [(5, True), (3, False)]
    found = store.read([results])
    assert found.problems == ()
    published = {record.record_id for record in found.records}
    assert published > {name for case in written.cases for name in case.record_ids}
    assert written.cases == of_records(found.records)


def test_noise_without_launches_enough_goes_away(tmp_path: Path):
    """When the run that it came from is taken away, the file does not stay behind."""
    results = tmp_path / "results"
    folder = publish(_launches(tmp_path / "a", "20261124T070000Z-0000000a", 3), results)
    publish(_launches(tmp_path / "b", "20261124T070000Z-0000000b", 1), results)
    assert (results / "cpu" / NOISE).exists()
    shutil.rmtree(folder)
    write_noise(results / "cpu")
    assert not (results / "cpu" / NOISE).exists()


def test_publishing_twice_is_refused(tmp_path: Path):
    """Published results are never overwritten."""
    run = _run(tmp_path / "run")
    publish(run, tmp_path / "results")
    with pytest.raises(BadInput, match="published already"):
        publish(run, tmp_path / "results")


def test_a_run_with_a_damaged_line_is_refused(tmp_path: Path):
    """What cannot be read must not be dropped silently on the way to publication."""
    run = _run(tmp_path / "run")
    with (run / "journal.jsonl").open("ab") as journal:
        journal.write(b'{"half": ')
    with pytest.raises(BadInput, match="not fit"):
        publish(run, tmp_path / "results")


def test_a_scrubbed_record_carries_the_digest_of_its_own_content(tmp_path: Path):
    """A reader can check that a published record was not edited afterwards."""
    folder = publish(_run(tmp_path / "run"), tmp_path / "results")
    from suite.results.record import seal

    for record in store.read([folder]).records:
        assert seal(record) == record
        assert msgspec.json.encode(record)
