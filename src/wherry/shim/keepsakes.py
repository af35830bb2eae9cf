"""What a worker leaves with its keeper: descriptors, and values that marshal can write."""

from wherry.typed import Any

# A value that `marshal` writes; who has written it reads it again, in the same shape.
Kept = Any


class Busy(Exception):
    """Something is under way that cannot be laid down."""


class Keepsakes:
    """Descriptors, each with the events at which the keeper is to wake somebody."""

    def __init__(self) -> None:
        self._places: dict[int, int] = {}
        self.descriptors: list[tuple[int, int]] = []

    def add(self, descriptor: int, events: int = -1) -> int:
        """Keep `descriptor`, watched for `events` if they are not -1; its place in the list."""
        place = self._places.setdefault(descriptor, len(self.descriptors))
        if place == len(self.descriptors):
            self.descriptors.append((descriptor, events))
        return place

    def __contains__(self, descriptor: int) -> bool:
        return descriptor in self._places
