"""A Slurm cluster of this machine alone: a controller, two node daemons and munge."""

import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

NODES = ("n1", "n2")
DAEMONS = ("munged", "slurmctld", "slurmd", "sbatch")
DIRECTORIES = "/usr/sbin:/usr/local/sbin"

needs_slurm = pytest.mark.skipif(
    any(shutil.which(name, path=f"{os.environ['PATH']}:{DIRECTORIES}") is None for name in DAEMONS)
    or os.geteuid() != 0,
    reason="needs slurm-wlm and munge, and root to start them",
)


def wait(until: Callable[[], object], seconds: float, what: str) -> None:
    """Return when it is so; fails the test after as many seconds."""
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.2)


class Cluster:
    """Two nodes of one processor each. ``environment`` is what Slurm's commands need."""

    def __init__(self, folder: Path) -> None:
        self.environment = {
            **os.environ,
            "PATH": f"{os.environ['PATH']}:{DIRECTORIES}",
            "SLURM_CONF": str(folder / "slurm.conf"),
        }
        self._folder = folder
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Write the configuration and start every daemon; returns when both nodes are idle."""
        key = self._folder / "munge.key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o400)
        kinds = ("socket", "pid", "log", "seed")
        places = {kind: self._folder / f"munge.{kind}" for kind in kinds}
        (self._folder / "slurm.conf").write_text(self._configuration(places["socket"]))
        self._run(
            "munged",
            *("munged", "--foreground", "--force", f"--key-file={key}"),
            f"--socket={places['socket']}",
            f"--pid-file={places['pid']}",
            f"--log-file={places['log']}",
            f"--seed-file={places['seed']}",
        )
        wait(places["socket"].exists, 20, "munge's socket")
        self._run("slurmctld", "slurmctld", "-D")
        for node in NODES:
            self.start_node(node)
        wait(lambda: self.states() == ["idle", "idle"], 60, "two idle nodes")

    def start_node(self, node: str) -> None:
        """Start a node's daemon, first process of a namespace as of a machine of its own."""
        self._run(
            node,
            *("unshare", "--pid", "--fork", "--mount-proc", "--kill-child"),
            *("slurmd", "-D", "-N", node),
        )

    def lose(self, name: str) -> None:
        """Let a daemon vanish, and with a node's all that it runs."""
        process = self._running.pop(name)
        process.kill()
        process.wait()

    def asked(self, *command: str) -> str:
        """Return what one of Slurm's commands prints."""
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=60, check=True
        )
        return done.stdout.strip()

    def states(self) -> list[str]:
        """Return the nodes' states."""
        done = subprocess.run(
            ["sinfo", "-hN", "-o", "%T"],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.stdout.split()

    def close(self) -> None:
        """End every daemon and what it runs."""
        for name in (*NODES, "slurmctld", "munged"):
            if name in self._running:
                self.lose(name)

    def _run(self, name: str, *command: str) -> None:
        with (self._folder / f"{name}.out").open("ab") as log:
            self._running[name] = subprocess.Popen(
                command, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )

    def _configuration(self, munge: Path) -> str:
        host = socket.gethostname().split(".")[0]
        ports = iter(_ports(1 + len(NODES)))
        lines = [
            "ClusterName=tunebench",
            f"SlurmctldHost={host}(127.0.0.1)",
            f"SlurmctldPort={next(ports)}",
            # A task that is queued again waits until its old credential has expired.
            f"AuthType=auth/munge\nAuthInfo=socket={munge},cred_expire=15\nCredType=cred/munge",
            "SlurmUser=root\nSlurmdUser=root",
            f"StateSaveLocation={self._folder}/state",
            f"SlurmctldPidFile={self._folder}/slurmctld.pid",
            f"SlurmdPidFile={self._folder}/%n.pid",
            f"SlurmdSpoolDir={self._folder}/spool-%n",
            "ProctrackType=proctrack/linuxproc\nTaskPlugin=task/none\nSwitchType=switch/none",
            "AccountingStorageType=accounting_storage/none\nJobAcctGatherType=jobacct_gather/none",
            "SelectType=select/cons_tres\nMpiDefault=none\nReturnToService=2",
            # A lost node is noticed within seconds, and its task is queued again at once.
            "SlurmdTimeout=5\nBatchStartTimeout=5\nKillWait=2\nMinJobAge=300",
            "SchedulerParameters=sched_interval=2,batch_sched_delay=1,requeue_delay=0",
        ]
        for node in NODES:
            lines.append(
                f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={next(ports)}"
                " CPUs=1 RealMemory=1000"
            )
        lines.append("PartitionName=main Nodes=ALL Default=YES State=UP")
        (self._folder / "state").mkdir()
        return "\n".join(lines) + "\n"


def _ports(number: int) -> list[int]:
    """Return free ports of this machine."""
    with_socket = [socket.socket() for _ in range(number)]
    for each in with_socket:
        each.bind(("127.0.0.1", 0))
    found = [each.getsockname()[1] for each in with_socket]
    for each in with_socket:
        each.close()
    return found


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """Yield a running cluster whose files lie in ``folder``."""
    made = Cluster(folder)
    try:
        made.start()
        yield made
    finally:
        made.close()
