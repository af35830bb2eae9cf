"""Joining a container whose first process is no more."""

import os

import pytest

from wherry.linux.process import start_time
from wherry.oci.runtime_spec import Process
from wherry.runtime.errors import ContainerNotRunning
from wherry.runtime.exec import exec_process


def test_who_has_ended_and_was_not_waited_for_is_not_running() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    try:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        with pytest.raises(ContainerNotRunning):
            exec_process(pid, start_time(pid), Process(cwd="/", args=("true",)), state={})
    finally:
        os.waitpid(pid, 0)
