"""A real worker process that trains nothing: it speaks the wire format and then does as told.

Run as ``python scripted_worker.py BEHAVIOUR FD``; the behaviours are the functions below.
"""

import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[1]))

import msgspec

from suite.wire import (
    Connection,
    Failed,
    Failure,
    Finished,
    Go,
    Memory,
    Phase,
    PhaseBegun,
    PhaseDone,
    Ready,
    Start,
    Step,
    StepDone,
    ToWorker,
    Versions,
)
from suite.worker import guard
from support import records

#: What tiny-qwen3 with LoRA really is, as the truth checks want it.
EFFECTIVE = records.effective(
    trainable_parameters=155_648,
    total_parameters=1_074_560,
    adapter_targets=tuple(f"{name}_proj" for name in ("down", "gate", "k", "o", "q", "up", "v")),
    optimizer_class="torch.optim.adamw.AdamW (fused)",
)


class Script:
    """One worker's life, phase by phase; a behaviour goes as far as it wants."""

    def __init__(self, descriptor: int) -> None:
        self.end = socket.socket(fileno=descriptor)
        guard.die_with_session(descriptor)
        self.connection = Connection(self.end, ToWorker)
        self.step_seconds = 0.001
        self.index = 0
        start = self.connection.receive()
        assert isinstance(start, Start)
        self.start = start

    def phase(self, name):
        self.connection.send(PhaseBegun(name=name))
        memory = Memory(host_rss_peak_bytes=1 << 20)
        self.connection.send(PhaseDone(phase=Phase(name=name, seconds=0.001, memory=memory)))

    def until_ready(self):
        for name in ("import", "load", "prepare"):
            self.phase(name)
        versions = Versions(python="3.11", packages={"torch": "2.13.0"})
        self.connection.send(
            Ready(effective=self.effective(), versions=versions, weights="dummy seed 17")
        )

    def effective(self):
        return EFFECTIVE

    def one_step(self, role):
        began = time.monotonic()
        time.sleep(self.step_seconds)
        step = Step(
            index=self.index,
            role=role,
            seconds=self.seconds(),
            tokens_padded=512,
            tokens_real=500,
            tokens_loss=496,
            loss=6.0 - 0.01 * self.index,
        )
        self.index += 1
        self.connection.send(StepDone(step=step, began=began, ended=time.monotonic()))

    def seconds(self):
        return 0.25

    def obey(self):
        """Take steps until told to stop; return the last role when the last step is taken."""
        begun = set()
        while isinstance(frame := self.connection.receive(), Go):
            name = "first_step" if frame.role == "first" else "steady"
            if name not in begun:
                begun.add(name)
                self.connection.send(PhaseBegun(name=name))
            for _ in range(frame.steps):
                self.one_step(frame.role)
            if frame.role == "first":
                self.connection.send(PhaseDone(phase=Phase(name="first_step", seconds=0.001)))
        self.connection.send(PhaseDone(phase=Phase(name="steady", seconds=0.001)))
        self.phase("finish")

    def whole(self):
        self.until_ready()
        self.obey()
        self.connection.send(Finished())


def well(script):
    print("a line on stdout")
    print("a line on stderr", file=sys.stderr)
    script.whole()


def compiles(script):
    """Keep two kernels as a compiler does: those that are there already are not made again."""
    for name in ("forward", "backward"):
        Path(script.start.compiled, name).write_text("kernel")
    script.whole()


def never_steady(script):
    script.seconds = lambda: 1.0 + script.index
    script.whole()


def by_method(script):
    """Behave differently from case to case."""
    behaviours = {"qlora": segfault, "full": says_out_of_memory, "unsloth-lora": slow}
    behaviours.get(script.start.case.method.name, well)(script)


def slow(script):
    """Say who one is, with a child, and take steps for longer than any test waits."""
    script.step_seconds = 0.3
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    path = Path(script.start.cache, "slow")
    path.with_suffix(".part").write_text(f"{os.getpid()} {child.pid}")
    path.with_suffix(".part").replace(path)
    script.whole()


def segfault(script):
    script.until_ready()
    os.kill(os.getpid(), signal.SIGSEGV)


def killed_in_steady(script):
    script.until_ready()
    script.connection.receive()
    script.connection.send(PhaseBegun(name="first_step"))
    script.one_step("first")
    os.kill(os.getpid(), signal.SIGKILL)


def exits_with_seven(script):
    script.phase("import")
    print("the driver is on fire", file=sys.stderr)
    sys.exit(7)


def leaves_silently(script):
    script.phase("import")


def says_out_of_memory(script):
    script.phase("import")
    failure = Failure(
        kind="oom", phase="load", message="tried to allocate 2 TiB", requested_bytes=2 << 40
    )
    script.connection.send(Failed(failure=failure))


def allocates(script):
    """Run out of the address space for real, without catching it."""
    script.phase("import")
    script.connection.send(PhaseBegun(name="load"))
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
    b"x" * (4 << 30)


def hangs(script):
    script.phase("import")
    script.connection.send(PhaseBegun(name="load"))
    threading.Event().wait()


def hangs_in_a_step(script):
    script.until_ready()
    script.connection.receive()
    script.one_step("first")
    script.connection.receive()
    script.one_step("warmup")
    threading.Event().wait()


def hangs_ignoring_signals(script):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGABRT):
        signal.signal(number, signal.SIG_IGN)
    hangs(script)


def rubbish(script):
    script.end.sendall(b"Loading checkpoint shards: 100%|####|\n")
    threading.Event().wait()


def half_a_frame(script):
    script.phase("import")
    script.end.sendall(b'{"type":"phase-begun","na')


def killed_in_half_a_frame(script):
    half_a_frame(script)
    os.kill(os.getpid(), signal.SIGKILL)


def hangs_up(script):
    """Close the connection and go on running."""
    script.phase("import")
    script.end.shutdown(socket.SHUT_WR)
    threading.Event().wait()


def never_exits(script):
    script.whole()
    threading.Event().wait()


def stops_itself(script):
    """Be stopped, as by Ctrl-Z from somewhere."""
    script.until_ready()
    os.kill(os.getpid(), signal.SIGSTOP)


def too_many_steps(script):
    script.until_ready()
    script.connection.receive()
    script.one_step("first")
    script.one_step("first")
    threading.Event().wait()


def leaves_a_child(script):
    """Die while a child holds the socket and the output open."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], pass_fds=[3])
    print(f"child {child.pid}", flush=True)
    os._exit(3)


def floods(script):
    """Write a hundred thousand lines, some very long, and a progress bar."""
    for number in range(100_000):
        print(f"line {number}")
    print("x" * 10_000)
    print("10%\r50%\r\x1b[32m100%\x1b[0m")
    script.whole()


def wrong_count(script):
    """Train another number of parameters than the case says."""
    script.effective = lambda: msgspec.structs.replace(EFFECTIVE, trainable_parameters=1)
    script.whole()


if __name__ == "__main__":
    globals()[sys.argv[1]](Script(int(sys.argv[2])))
