"""Work in two halves, one in a fork."""

import errno
import os
import signal

import pytest

from wherry.build.two_processes import HalfLost, in_two_processes
from wherry.errors import Internal


def nothing() -> None:
    return


def test_what_the_fork_returns_is_had_and_nothing_else_of_it() -> None:
    done: list[int] = []

    def here() -> None:
        done.append(os.getpid())

    def beside() -> bytes:
        done.append(0)
        return str(os.getpid()).encode()

    answer = in_two_processes(here, beside)

    assert int(answer) != os.getpid()
    assert done == [os.getpid()]


def test_an_error_of_the_fork_is_raised_here() -> None:
    def beside() -> bytes:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/place")

    with pytest.raises(OSError, match="No space left on device: '/place'") as told:
        in_two_processes(nothing, beside)
    assert told.value.errno == errno.ENOSPC


def test_a_fork_that_is_killed_is_missed() -> None:
    def beside() -> bytes:
        os.kill(os.getpid(), signal.SIGKILL)
        return b""

    with pytest.raises(HalfLost) as told:
        in_two_processes(nothing, beside)
    assert isinstance(told.value, Internal)


def test_an_interrupt_here_ends_the_fork() -> None:
    def here() -> None:
        raise KeyboardInterrupt

    def beside() -> bytes:
        signal.pause()
        return b""

    with pytest.raises(KeyboardInterrupt):
        in_two_processes(here, beside)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == set()
