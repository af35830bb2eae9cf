"""Going to sleep: a supervisor with nothing to do leaves all it has with its keeper and ends.

What marshal can write goes into a memory file (memfd_create(2)), which nobody maps while the
container sleeps; descriptors go beside it. The next worker of the keeper takes it up from there.
"""

import marshal
import os
import time
from collections.abc import Sequence
from contextlib import suppress

from wherry.linux.openat import opened
from wherry.network.resolve import Resolver
from wherry.oci.codec import from_json, to_json
from wherry.shim.health import HealthMonitor
from wherry.shim.keepsakes import Busy, Keepsakes, Kept
from wherry.shim.loop import READ
from wherry.shim.networking import answer_early, connected_again, resolver_again
from wherry.shim.process import Supervised
from wherry.store.containers import Container
from wherry.store.store import Store
from wherry.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from wherry.shim.run import Run
    from wherry.shim.supervise import Supervisor

FIRST_STAY = 1.0  # seconds of quiet; a container that ends sooner is spared the effort
LONGEST_STAY = 10.0
_SHORT_SLEEP = 2  # times what it stayed awake before: then it was not worth it


def fall_asleep(supervisor: "Supervisor") -> None:
    """End this process, its keeper taking over; return if something is under way."""
    run = supervisor.run
    if run is None or run.process is None or supervisor.going_down or supervisor.restart_wanted:
        return
    keepsakes = Keepsakes()
    with suppress(Busy, OSError), opened(os.memfd_create("supervisor")) as file:
        keepsakes.add(file)
        values = _lay_down(supervisor, run, run.process, keepsakes)
        with open(file, "wb", closefd=False) as writer:
            marshal.dump(values, writer)
        due = run.health.timer if run.health is not None else None
        if any(timer is not due for timer in supervisor.loop.timers):
            return
        watched = supervisor.loop.watched - {supervisor.signals}
        if run.networking is not None:
            watched -= run.networking.stand_ins
        if any(descriptor not in keepsakes for descriptor in watched):
            return
        seconds = None if due is None else due.when - time.monotonic()
        supervisor.keeper.sleep(keepsakes.descriptors, seconds, run.process.pid)


def _lay_down(
    supervisor: "Supervisor", run: "Run", process: Supervised, keepsakes: Keepsakes
) -> Kept:
    store = supervisor.store
    return {
        "folders": (str(store.root), str(store.run)),
        "container": to_json(supervisor.container),
        "process": (
            process.pid,
            keepsakes.add(process.pidfd, READ),
            process.started,
        ),
        "cgroup": run.cgroups_path,
        "began": run.began,
        "stop_requested": supervisor.stop_requested,
        "delay": supervisor.backoff.delay,
        "stayed": (supervisor.stay, time.monotonic()),
        "rests": run.log.rests,
        "streams": run.streams.lay_down(keepsakes),
        "control": supervisor.control.lay_down(keepsakes),
        "networking": run.networking and run.networking.lay_down(keepsakes),
        "oom": run.oom and (keepsakes.add(run.oom.fileno(), READ), run.oom.seen),
        "health": run.health and run.health.lay_down(),
    }


def recalled(descriptors: Sequence[int]) -> dict[str, Kept]:
    """The values that were left with the keeper, from the first of the `descriptors`."""
    file = descriptors[0]
    with opened(file):
        values: dict[str, Kept] = marshal.loads(os.pread(file, os.fstat(file).st_size, 0))
    return values


def answer_names(store: Store, kept: dict[str, Kept], descriptors: Sequence[int]) -> Resolver:
    """What can be answered by what was left alone, so that nobody waits for the rest."""
    networking = kept["networking"]
    resolver = resolver_again(store, kept["container"]["id"], networking)
    answer_early(resolver, networking, descriptors)
    return resolver


def container_of(kept: dict[str, Kept]) -> Container:
    """The container that they belong to."""
    return from_json(Container, kept["container"])


def awaken(
    supervisor: "Supervisor",
    kept: dict[str, Kept],
    descriptors: Sequence[int],
    resolver: Resolver,
) -> None:
    """Make of a new supervisor the one that went to sleep."""
    supervisor.stop_requested = kept["stop_requested"]
    supervisor.backoff.delay = kept["delay"]
    stayed, since = kept["stayed"]
    if time.monotonic() - since < stayed * _SHORT_SLEEP:
        supervisor.stay = min(stayed * 2, LONGEST_STAY)
    else:
        supervisor.stay = FIRST_STAY
    run = supervisor.resume(kept["cgroup"])
    run.began = kept["began"]
    run.log.take_up(kept["rests"])
    run.streams.take_up(kept["streams"], descriptors)
    supervisor.control.take_up(kept["control"], descriptors)
    pid, pidfd, started = kept["process"]
    reaper = supervisor.keeper.reap
    run.process = Supervised(pid, descriptors[pidfd], started, reaper=reaper)
    store, networking = supervisor.store, kept["networking"]
    supervisor.watch_process(
        run, connected_again(store, supervisor.container.id, networking, descriptors, resolver)
    )
    if kept["oom"] is not None:
        place, seen = kept["oom"]
        os.close(descriptors[place])
        supervisor.catch_up_on_oom(run, seen)
    run.health = HealthMonitor.of(supervisor, kept["health"])
