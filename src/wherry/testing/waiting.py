"""Waiting for a condition in a test, with a deadline instead of a sleep of a guessed length."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(condition: Callable[[], T], *, seconds: float = 10.0, what: str = "") -> T:
    """The first true value of `condition`, or AssertionError when `seconds` have passed."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what or condition!r} (last: {value!r})")
        time.sleep(0.01)


def none_of(found: Callable[[], list[str]], *, seconds: float = 10.0) -> None:
    """Wait until nothing is found, or raise AssertionError with what is still there."""
    deadline = time.monotonic() + seconds
    while there := found():
        if time.monotonic() > deadline:
            raise AssertionError(f"still there after {seconds} s:\n" + "\n".join(there))
        time.sleep(0.01)
