"""Telling whoever answers for a process what SCMP_ACT_NOTIFY lets it ask.

    init                         main
     │ loads the filter
     │ ── LISTENER ────────────────> │ takes the filter's descriptor out of init, and sends it with
     │                               │ the container process state to `listenerPath`
     │ <─ CONTINUE ───────────────── │

By then every call that the filter names waits for the agent, so init says LISTENER with a plain
write(2), which no filter may have notified; the descriptor comes by pidfd_getfd(2).

https://github.com/opencontainers/runtime-spec/blob/v1.2.0/config-linux.md#containerprocessstate
"""

import json
import socket
from collections.abc import Callable, Mapping

from wherry.linux.openat import opened
from wherry.linux.process import take_descriptor
from wherry.oci.runtime_spec import Seccomp
from wherry.runtime.errors import ContainerStartFailed
from wherry.runtime.init.channel import Channel, Kind, reason_of

NOTIFY = "SCMP_ACT_NOTIFY"
_PATIENCE = 30.0  # seconds for the agent to take it


def notifies(section: Seccomp) -> bool:
    """Whether some calls wait for an agent."""
    return any(rule.action == NOTIFY for rule in section.syscalls)


def tell_agent(
    section: Seccomp, pid: int, pidfd: int, number: int, state: Mapping[str, object]
) -> None:
    """Send the agent descriptor `number` of the process, which has just loaded its filter."""
    message = {
        "ociVersion": state["ociVersion"],
        "fds": ["seccompFd"],
        "pid": pid,
        "metadata": section.listener_metadata,
        "state": dict(state),
    }
    try:
        with (
            opened(take_descriptor(pidfd, number)) as listener,
            socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as agent,
        ):
            agent.settimeout(_PATIENCE)
            agent.connect(section.listener_path)
            data = json.dumps(message).encode()
            sent = socket.send_fds(agent, [data], [listener])
            if sent < len(data):  # an agent that has read all of it may have closed already
                agent.sendall(data[sent:])
    except OSError as error:
        step = f"sending the seccomp descriptor to {section.listener_path!r}"
        raise ContainerStartFailed(step, reason_of(error)) from error


def hand_over(channel: Channel) -> Callable[[int], None]:
    """For init: has the caller pass on the descriptor of the filter, and returns when it has."""

    def have_passed_on(descriptor: int) -> None:
        channel.send(Kind.LISTENER, descriptor=descriptor)
        channel.expect(Kind.CONTINUE)

    return have_passed_on
