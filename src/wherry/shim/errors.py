"""What can go wrong around a supervised container, in Docker's words."""

from wherry.errors import Conflict, NotModified
from wherry.store.containers import Container


class ContainerNotRunning(Conflict):
    def __init__(self, container_id: str) -> None:
        super().__init__(f"container {container_id} is not running")


class ContainerPaused(Conflict):
    def __init__(self, container_id: str) -> None:
        super().__init__(f"Container {container_id} is already paused")


class ContainerNotPaused(Conflict):
    def __init__(self, container_id: str) -> None:
        super().__init__(f"Container {container_id} is not paused")


class ContainerRestarting(Conflict):
    def __init__(self, container_id: str) -> None:
        super().__init__(
            f"Container {container_id} is restarting, wait until the container is running"
        )


class CannotAttach(Conflict):
    """`kind` is stopped, paused or restarting."""

    def __init__(self, kind: str, remedy: str) -> None:
        super().__init__(f"You cannot attach to a {kind} container, {remedy}")


class AlreadyStarted(NotModified):
    def __init__(self, container: Container) -> None:
        super().__init__(f"container {container.id} is already running")
