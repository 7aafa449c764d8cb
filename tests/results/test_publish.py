from pathlib import Path

import msgspec
import pytest

import records
from suite.errors import BadInput
from suite.results import store
from suite.results.publish import publish, scrub


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
