"""Running the hooks of a configuration: programs that get the container's state on stdin.

https://github.com/opencontainers/runtime-spec/blob/v1.2.0/config.md#posix-platform-hooks
"""

import json
import os
import select
import signal
import sys
from collections.abc import Iterable, Mapping

from wherry.errors import Internal
from wherry.oci.runtime_spec import Hook
from wherry.typed import Any

_LONGEST_OUTPUT = 4096


class HookFailed(Internal):
    def __init__(self, kind: str, index: int, reason: str, output: str) -> None:
        text = f"error running {kind} hook #{index}: {reason}"
        super().__init__(f"{text}, stdout/stderr: {output}" if output else text)


def run_hooks(kind: str, hooks: Iterable[Hook], state: Mapping[str, Any]) -> None:
    """Run `hooks` in order; HookFailed for the first that fails, after which none is run."""
    data = json.dumps(state).encode()
    for index, hook in enumerate(hooks):
        _run_hook(kind, index, hook, data)


def try_hooks(kind: str, hooks: Iterable[Hook], state: Mapping[str, Any]) -> None:
    """Run `hooks` in order; one that fails is told on stderr, and the next is run all the same.

    So the specification has it for those of a container that has been started.
    """
    data = json.dumps(state).encode()
    for index, hook in enumerate(hooks):
        try:
            _run_hook(kind, index, hook, data)
        except HookFailed as error:
            print(f"warning: {error.message}", file=sys.stderr)


def _run_hook(kind: str, index: int, hook: Hook, state: bytes) -> None:
    # Files without a name instead of pipes: nothing blocks, whatever the hook reads or leaves open.
    stdin, output = os.memfd_create("state"), os.memfd_create("output")
    try:
        os.write(stdin, state)
        os.lseek(stdin, 0, os.SEEK_SET)
        reason = _run(hook, stdin, output)
        if reason:
            text = os.pread(output, _LONGEST_OUTPUT, 0).decode(errors="replace").strip()
            raise HookFailed(kind, index, reason, text)
    finally:
        os.close(stdin)
        os.close(output)


def _run(hook: Hook, stdin: int, output: int) -> str:
    """Why the hook failed, or ""."""
    environment = dict(word.partition("=")[::2] for word in hook.env)
    try:
        pid = os.posix_spawn(
            hook.path,
            hook.args or (hook.path,),
            environment,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, stdin, 0),
                (os.POSIX_SPAWN_DUP2, output, 1),
                (os.POSIX_SPAWN_DUP2, output, 2),
            ],
            setsigmask=(),
            setsigdef=(signal.SIGPIPE, signal.SIGXFSZ),
        )
    except OSError as error:
        return f"fork/exec {hook.path}: {(error.strerror or '').lower()}"
    late = not _ended_within(pid, hook.timeout)
    if late:
        os.kill(pid, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if late:
        return f"hook ran past specified timeout of {hook.timeout}s"
    if code < 0:
        return f"signal: {signal.strsignal(-code)}".lower()
    return f"exit status {code}" if code else ""


def _ended_within(pid: int, seconds: int | None) -> bool:
    pidfd = os.pidfd_open(pid)
    try:
        poll = select.poll()
        poll.register(pidfd, select.POLLIN)
        return bool(poll.poll(None if seconds is None else seconds * 1000))
    finally:
        os.close(pidfd)
