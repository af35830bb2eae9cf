"""Naming the step that failed: the innermost name wins."""

from collections.abc import Iterator
from contextlib import contextmanager

from wherry.runtime.errors import ContainerStartFailed
from wherry.runtime.init.channel import reason_of


@contextmanager
def step(name: str) -> Iterator[None]:
    """Raise an OSError of the block as the failure of step `name`."""
    try:
        yield
    except OSError as error:
        raise ContainerStartFailed(name, reason_of(error)) from error
