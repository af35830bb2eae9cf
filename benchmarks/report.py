"""Medians and ratios, printed as a table."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.engines import Peer


@dataclass(frozen=True)
class Floor:
    """A ratio that must not be passed: our median against that of the peer called `against`."""

    against: str
    ratio: float


@dataclass(frozen=True)
class Row:
    title: str
    medians: dict[str, float]
    floors: tuple[Floor, ...] = ()
    unit: str = "ms"


def interleaved(
    peers: Sequence[Peer], measure: Callable[[Peer], float], rounds: int
) -> dict[str, float]:
    """The median of `rounds` measurements of each peer, taken in turn so that noise is shared."""
    samples: dict[str, list[float]] = {peer.name: [] for peer in peers}
    for peer in peers:  # one each that does not count: caches, first starts
        measure(peer)
    for _ in range(rounds):
        for peer in peers:
            samples[peer.name].append(measure(peer))
    return {name: statistics.median(values) for name, values in samples.items()}


def print_row(row: Row) -> None:
    ours = row.medians.get("wherry")
    parts = [f"{row.title:<42}"]
    for name, value in row.medians.items():
        part = f"{name} {value:.2f} MB" if row.unit == "MB" else f"{name} {value:.0f} {row.unit}"
        if ours is not None and name != "wherry" and value > 0:
            part += f" ({ours / value:.2f})"
        parts.append(part)
    for floor in row.floors:
        if ours is not None and (theirs := row.medians.get(floor.against)):
            verdict = "ok" if ours <= theirs * floor.ratio else "TOO SLOW"
            parts.append(f"[at most {floor.ratio:.2f} of {floor.against}: {verdict}]")
    print("  ".join(parts), flush=True)
