"""What the shim needs to start a container now, and what it asks of the engine above it.

The shim cannot import the engine, which is above it; whoever starts a container hands it an
`Engineering` whose functions it calls at the first start, at each restart by policy and at the end.

    prepare(container) ──> StartPlan ──> runtime.create ──> plan.connect(netns) ──> runtime.start
                                │                                   │
                                │                                   └── Connected.close()
                                └── plan.release() after the exit, or when any step failed
"""

from collections.abc import Callable
from pathlib import Path

from wherry.network.connected import Connected
from wherry.oci.container_config import NetworkAttachment
from wherry.oci.mount import Mount
from wherry.oci.runtime_spec import Spec
from wherry.store.containers import Container
from wherry.values import dataclass


def _nothing(_namespace: int) -> Connected:
    return Connected()


def _no_release() -> None:
    return


@dataclass(frozen=True, kw_only=True, slots=True)
class StartPlan:
    """One start of a container, worked out for this moment.

    `spec` is the whole configuration to run: its mounts include today's `hosts` and
    `resolv.conf`, its namespaces the paths of those that are joined. `root_mounts` are performed
    by the container's init inside its own mount namespace, in order, before anything else; the
    first makes the root (an overlay of the snapshot).
    """

    container: Container
    bundle: Path  # the container's folder
    spec: Spec
    root_mounts: tuple[Mount, ...] = ()
    # Joins the container's networks and publishes its ports, given a descriptor of its network
    # namespace; raises in Docker's words. The shim serves what comes of it, and closes that.
    connect: Callable[[int], Connected] = _nothing
    # The program of another OCI runtime to run the bundle on; "" is our own.
    runtime: str = ""
    # Lets go of what `prepare` and `connect` took (addresses, mounted volumes); called once
    # after each exit or failed start, and must not raise for what is already gone.
    release: Callable[[], None] = _no_release


@dataclass(frozen=True, kw_only=True, slots=True)
class StartMade:
    """What is left of the plan once it was carried out, perhaps by another process."""

    bundle: Path
    spec: Callable[[], Spec]  # read again, if need be: who only wakes for a moment does without
    release: Callable[[], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reconnected:
    """A running container after it has joined or left a network, and what it has to be served."""

    container: Container
    connected: Connected


@dataclass(frozen=True, kw_only=True, slots=True)
class Engineering:
    """The engine's part of a container's life, as functions the shim calls."""

    # What this start of the container needs. Called with the shim lock held.
    prepare: Callable[[Container], StartPlan]
    # A start that another process has made.
    recall: Callable[[Container], StartMade]
    # What is left of a container whose row says it runs, though we hold its lock: ended, recorded.
    recover: Callable[[Container], Container]
    # Join a network, or leave it, while the container runs. `connected` is what it has so far.
    join: Callable[[Container, NetworkAttachment, int, Connected], Reconnected]
    leave: Callable[[Container, str, int, Connected], Reconnected]
    # For --rm: forgets the container's row, publishes its events, and returns what is then left
    # to do (folders, anonymous volumes), which is done after the client has been answered.
    forget: Callable[[Container], Callable[[], None]]
