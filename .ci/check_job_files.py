"""Do the schedulers' own schemas take the job files of ``submit``? Exit code 1 and why if not.

Kubernetes by the published schemas of its API, Kubeflow Trainer by its own models, SkyPilot by the
reader that ``sky`` uses. No cluster and no network is needed. Slurm itself runs in the tests.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import kubernetes_validate
import yaml
from kubeflow_trainer_api.models import TrainerV1alpha1TrainJob

ROOT = Path(__file__).parents[1]
IMAGE = "registry.example/tunebench@sha256:" + 64 * "0"
#: The oldest in which all that an indexed Job asks for is stable, and the newest known.
KUBERNETES = ("1.33", kubernetes_validate.latest_version())
SCHEDULERS = {
    "kubernetes": ["--image", IMAGE, "--set", "claim=data", "--set", "product=NVIDIA-H100"],
    "kubeflow": ["--image", IMAGE, "--set", "claim=data", "--set", "product=NVIDIA-H100"],
    "skypilot": ["--image", IMAGE, "--set", "store=s3://bucket", "--set", "accelerators=H100:2"],
}
TIERS = (["standard"], ["two-gpus", "--launches", "3", "--split", "case"])


def job_file(tier: list[str], scheduler: str, options: list[str]) -> str:
    """Return the scheduler's own file, as ``submit --dry-run`` prints it behind the script."""
    command = [str(ROOT / "tunebench"), "submit", *tier, "--engine", scheduler, *options]
    done = subprocess.run(
        [*command, "--profile", "h100-sxm", "--dry-run"],
        capture_output=True,
        text=True,
        check=True,
    )
    *_, last = done.stdout.split("# --- ")
    return last.partition("\n")[2]


def check(scheduler: str, text: str, folder: Path) -> Iterator[str]:
    """Yield what takes each part of a job file; raises what refuses it."""
    if scheduler == "skypilot":
        import sky  # not by everybody who looks at the others: it takes seconds

        (folder / "task.yaml").write_text(text)
        task = sky.Task.from_yaml(str(folder / "task.yaml"))
        yield f"SkyPilot {sky.__version__}: {task.name}"
        return
    for part in yaml.safe_load_all(text):
        if part["kind"] == "TrainJob":
            read = TrainerV1alpha1TrainJob.from_dict(part)
            if read is None or read.to_dict() != part:  # unknown fields are dropped silently
                raise ValueError(f"Kubeflow reads something else: {read}")
            yield "Kubeflow Trainer v1alpha1: TrainJob"
        else:
            for version in KUBERNETES:
                kubernetes_validate.validate(part, version, strict=True)
                yield f"Kubernetes {version}: {part['kind']}"


def main() -> int:
    """Check each scheduler's job file of each tier."""
    os.environ["SKYPILOT_DISABLE_USAGE_COLLECTION"] = "1"
    refused = 0
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HOME"] = folder  # sky writes there
        for tier in TIERS:
            for scheduler, options in SCHEDULERS.items():
                try:
                    text = job_file(tier, scheduler, options)
                    taken = list(check(scheduler, text, Path(folder)))
                except Exception as error:
                    refused += 1
                    print(f"{tier[0]}, {scheduler}: refused: {type(error).__name__}: {error}")
                    continue
                counted = [f"{what} ({taken.count(what)})" for what in dict.fromkeys(taken)]
                print(f"{tier[0]}, {scheduler}: {', '.join(counted)}")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
