"""The nouns of the Python API: each method is one call of the function that does it.

    engine = wherry.Engine()
    container = engine.containers.run("busybox", ["echo", "hello"], name="web", memory="64m")
    engine.containers.wait(container.name)

Options are the long flags of `run` with underscores: see `options.config.config_from_options`.
"""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from wherry.engine.containers.create import create_container
from wherry.engine.containers.inspect import inspect_container
from wherry.engine.containers.kill import kill_container
from wherry.engine.containers.list import select_containers
from wherry.engine.containers.options.config import config_from_options
from wherry.engine.containers.pause import pause_container
from wherry.engine.containers.prune import PrunedContainers, prune_containers
from wherry.engine.containers.remove import remove_container
from wherry.engine.containers.rename import rename_container
from wherry.engine.containers.restart import restart_container
from wherry.engine.containers.start import start_container
from wherry.engine.containers.stop import stop_container
from wherry.engine.containers.unpause import unpause_container
from wherry.engine.containers.update import update_container
from wherry.engine.containers.wait import wait_container
from wherry.engine.filters import Filters
from wherry.oci.container_config import ResourceLimits, RestartPolicy
from wherry.store.containers import Container, find_container

if TYPE_CHECKING:
    from wherry.engine.engine import Engine


class Containers:
    """`Engine().containers`. Names may be IDs and their unambiguous beginnings too."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine

    def create(
        self, image: str, command: Sequence[str] = (), *, name: str = "", **options: object
    ) -> Container:
        config = config_from_options(
            image, command, options, cwd=os.getcwd(), environ=dict(os.environ)
        )
        return create_container(self._engine, config, name or None)

    def run(
        self, image: str, command: Sequence[str] = (), *, name: str = "", **options: object
    ) -> Container:
        """Create and start a container, which goes on by itself."""
        container = self.create(image, command, name=name, **options)
        start_container(self._engine, container.id)
        return container

    def get(self, name: str) -> Container:
        return find_container(self._engine.store, name)

    def list(self, *, all_states: bool = False, filters: Filters | None = None) -> list[Container]:
        return select_containers(self._engine, all_states=all_states, filters=filters)

    def inspect(self, name: str, *, size: bool = False) -> dict[str, object]:
        return inspect_container(self._engine, name, size=size)

    def start(self, name: str) -> None:
        start_container(self._engine, name)

    def stop(self, name: str, *, signal: str = "", timeout: float | None = None) -> None:
        stop_container(self._engine, name, signal=signal, timeout=timeout)

    def restart(self, name: str, *, signal: str = "", timeout: float | None = None) -> None:
        restart_container(self._engine, name, signal=signal, timeout=timeout)

    def kill(self, name: str, signal: str = "KILL") -> None:
        kill_container(self._engine, name, signal)

    def pause(self, name: str) -> None:
        pause_container(self._engine, name)

    def unpause(self, name: str) -> None:
        unpause_container(self._engine, name)

    def wait(self, name: str, condition: str = "not-running") -> int:
        return wait_container(self._engine, name, condition)

    def rename(self, name: str, new_name: str) -> None:
        rename_container(self._engine, name, new_name)

    def update(
        self,
        name: str,
        limits: ResourceLimits | None = None,
        restart_policy: RestartPolicy | None = None,
    ) -> None:
        update_container(self._engine, name, limits, restart_policy)

    def remove(self, name: str, *, force: bool = False, volumes: bool = False) -> None:
        remove_container(self._engine, name, force=force, volumes=volumes)

    def prune(self, filters: Filters | None = None) -> PrunedContainers:
        return prune_containers(self._engine, filters)
