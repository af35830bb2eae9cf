"""Naming the step that failed: the innermost name wins."""

from wherry.runtime.errors import ContainerStartFailed
from wherry.runtime.init.channel import reason_of


class step:  # noqa: N801 - used as a function; one of contextlib's costs a generator each time
    """Raise an OSError of the block as the failure of step `name`."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        return

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, OSError):
            raise ContainerStartFailed(self.name, reason_of(error)) from error
