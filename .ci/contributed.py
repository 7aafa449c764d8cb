"""May the results that a pull request brings be taken in? Markdown on stdout, exit code 1 if not.

``python .ci/contributed.py BASE [--own]`` in the checkout of the pull request: what differs from
where it left BASE is looked at. With ``--own`` it is the project's: its results need no origin,
and it may change the suite as well.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from reports.text import markdown
from suite.cli import main as tunebench

RESULTS = PurePosixPath("reports/results")
#: Files beside results that publishing, and the documents' generated parts, change.
WRITTEN = ("noise.json", "README.md")
#: What decides how results are measured and judged: it never comes together with a stranger's.
JUDGING = (".ci", ".github", "requirements", "suite", "tunebench")


def changed(base: str) -> list[tuple[str, PurePosixPath]]:
    """Return the status (A, M, D, ...) and the path of each file that the pull request touches."""
    command = ["git", "diff", "--name-status", "--no-renames", "-z", f"{base}...HEAD"]
    words = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\0")
    pairs = zip(words[::2], words[1::2], strict=False)
    return [(status, PurePosixPath(name)) for status, name in pairs]


def run_folder(path: PurePosixPath) -> PurePosixPath | None:
    """Return the folder of a run that a file lies in, ``reports/results/PROFILE/RUN``, or None."""
    inside = path.is_relative_to(RESULTS) and len(path.parts) > len(RESULTS.parts) + 2
    return PurePosixPath(*path.parts[: len(RESULTS.parts) + 2]) if inside else None


def complaints(files: Iterable[tuple[str, PurePosixPath]], *, own: bool) -> Iterator[str]:
    """Yield what a pull request with results may not do, whatever the results are."""
    for status, path in files:
        if not path.is_relative_to(RESULTS):
            if not own and path.parts[0] in JUDGING:
                yield f"{path}: changes of the suite come in a pull request of their own"
        elif run_folder(path) is None:
            if path.name not in WRITTEN:
                yield f"{path}: is no part of a published run"
        elif status != "A":
            yield f"{path}: is published; a result is never changed or removed"


def main() -> int:
    """Print the verdict and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base", metavar="BASE", help="a commit of the branch it goes to")
    parser.add_argument("--own", action="store_true", help="the pull request is the project's own")
    args = parser.parse_args()
    files = changed(args.base)
    wrong = list(complaints(files, own=args.own))
    folders = {
        str(folder) for status, path in files if status == "A" and (folder := run_folder(path))
    }
    print("## Results of this pull request\n")
    if wrong:
        print("\n".join(f"- {markdown.paragraph(each)}" for each in wrong), end="\n\n")
    if not folders:
        print("No new run folder.")
        return 1 if wrong else 0
    options = ["--strict", "--markdown", *(["--own"] if args.own else [])]
    code = tunebench(["validate", *options, *sorted(folders)])
    if wrong or code:
        print("\ndocs/adding-a-gpu.md says what each of these means, and what to do.")
    return 1 if wrong or code else 0


if __name__ == "__main__":
    sys.exit(main())
