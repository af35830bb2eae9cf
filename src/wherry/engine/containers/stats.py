"""What containers use: one document, or one a second while somebody listens."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from wherry.engine.containers.cgroups import cgroup_path
from wherry.engine.documents.stats import Sample, stats_document
from wherry.linux.cgroup.manager import open_manager
from wherry.linux.machine import memory_total, processor_time
from wherry.linux.network_counters import Counters, network_counters
from wherry.linux.process import start_time
from wherry.store.containers import Container, find_container

if TYPE_CHECKING:
    from wherry.engine.engine import Engine

INTERVAL = 1.0  # seconds between samples, as Docker's


def sample_container(container: Container) -> Sample | None:
    """What the container uses at this moment, or `None` if it does not run."""
    if not container.status.has_process:
        return None
    manager = open_manager(cgroup_path(container.id, container.config.limits.cgroup_parent))
    if not manager.exists:  # ended, and its row has not been told yet
        return None
    system_cpu, online = processor_time()
    return Sample(
        read_ns=time.time_ns(),
        stats=manager.stats(),
        system_cpu=system_cpu,
        online_cpus=online,
        machine_memory=memory_total(),
        networks=_networks(container),
    )


def _networks(container: Container) -> dict[str, Counters]:
    if container.config.network_mode == "host":
        return {}  # the machine's own traffic says nothing about the container
    pid = container.state.pid
    try:
        counters = network_counters(pid)
        # Had the container ended, its number could be another's by now.
        return counters if start_time(pid) == container.state.pid_start_time else {}
    except OSError:
        return {}


def container_stats(engine: "Engine", name: str, *, one_shot: bool = False) -> dict[str, object]:
    """The document of the container called `name`; with `one_shot` nothing to compare with.

    Otherwise there are two samples, one second apart, so that use a second can be worked out.
    """
    container = find_container(engine.store, name)
    previous = None if one_shot else sample_container(container)
    if previous is not None:
        time.sleep(INTERVAL)
        container = find_container(engine.store, container.id)
    return _document(container, sample_container(container), previous)


def follow_container_stats(engine: "Engine", name: str) -> Iterator[dict[str, object]]:
    """A document each second until the container is removed; all zero while it does not run."""
    container_id = find_container(engine.store, name).id
    previous: Sample | None = None
    due = time.monotonic()
    while True:
        container = find_container(engine.store, container_id)
        sample = sample_container(container)
        yield _document(container, sample, previous)
        previous = sample
        due = max(due + INTERVAL, time.monotonic())
        time.sleep(max(0.0, due - time.monotonic()))


def _document(
    container: Container, sample: Sample | None, previous: Sample | None
) -> dict[str, object]:
    return stats_document(
        container.id, container.name, sample, previous if sample is not None else None
    )
