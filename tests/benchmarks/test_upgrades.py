"""The list of real upgrades is whole; what it says is tried by ``tox -e upgrades`` alone."""

import re
import subprocess
import sys

from packaging.requirements import Requirement

from suite.catalog import method, model, toml
from suite.paths import ROOT

FILE = ROOT / "benchmarks" / "self" / "upgrades.toml"


def test_each_upgrade_has_versions_an_ending_and_what_its_project_says() -> None:
    """Six at least; exact versions, methods and models that exist, a link, an exit code."""
    from benchmarks.self import upgrades

    known = toml.read(FILE, upgrades._Upgrades).upgrades
    assert len(known) >= 6
    assert len({each.name for each in known}) == len(known)
    for each in known:
        for text in (*each.base, *each.candidate):
            assert [one.operator for one in Requirement(text).specifier] == ["=="], text
        assert set(each.methods) <= set(method.names())
        assert set(each.models) <= set(model.names())
        assert re.match(r"https://github\.com/\S+$", each.link)
        assert each.exit_code in (0, 2, 4, 5)
        assert each.says


def test_the_table_of_the_documents_measures_nothing() -> None:
    """A row each, from the two files."""
    command = [sys.executable, "benchmarks/self/upgrades.py", "--table"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    rows = done.stdout.splitlines()[2:]
    assert len(rows) == FILE.read_text().count("[[upgrades]]")
