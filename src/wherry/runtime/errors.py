"""What can go wrong between a bundle and a running process, in runc's words.

Docker's clients and engines read them: `permission denied` and `is a directory` make exit code
126, `executable file not found` and `no such file or directory` 127.
"""

from wherry.errors import Conflict, Internal, InvalidArgument, NotFound

_PREFIX = "unable to start container process: "


class InvalidSpec(InvalidArgument):
    """A configuration that no container can be made from; all its faults at once."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("invalid container configuration: " + "; ".join(faults))
        self.faults = faults


class ContainerStartFailed(Internal):
    """A step on the way to the user's program failed."""

    def __init__(self, step: str, reason: str) -> None:
        super().__init__(f"{_PREFIX}{step}: {reason}" if step else _PREFIX + reason)
        self.step = step
        self.reason = reason


class ProgramNotRunnable(InvalidArgument):
    """The program asked for is missing or is none."""

    def __init__(self, reason: str) -> None:
        super().__init__(_PREFIX + reason)
        self.reason = reason
        self.exit_status = (
            126 if "permission denied" in reason or "is a directory" in reason else 127
        )


class NoSuchContainer(NotFound):
    def __init__(self, _container_id: str) -> None:
        super().__init__("container does not exist")


class ContainerExists(Conflict):
    def __init__(self, _container_id: str) -> None:
        super().__init__("container with given ID already exists")


class ContainerNotRunning(Conflict):
    def __init__(self, text: str = "container not running") -> None:
        super().__init__(text)
