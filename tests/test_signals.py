import os
import signal

import pytest

from suite.signals import Interrupted, Signals


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_interrupts_and_is_remembered(number: int, code: int) -> None:
    """Even where a library swallows the exception, check() raises it again."""
    before = signal.getsignal(number)
    with Signals() as signals:
        signals.check()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
        with pytest.raises(Interrupted) as again:
            signals.check()
    assert again.value.exit_code == code
    assert signal.getsignal(number) is before


def test_nohup_stays_in_force() -> None:
    """A signal that the parent told us to ignore stays ignored."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Signals() as signals:
            os.kill(os.getpid(), signal.SIGHUP)
            signals.check()
    finally:
        signal.signal(signal.SIGHUP, before)
