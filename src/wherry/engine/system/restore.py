"""Bringing back, by their policy, the containers that a reboot took down."""

from typing import TYPE_CHECKING

from wherry.engine.containers.start import start_container
from wherry.engine.reconcile import finish_what_a_reboot_cut_short, reconcile
from wherry.errors import WherryError
from wherry.shim.restart import should_restore
from wherry.store.containers import NEVER, Container, list_containers

if TYPE_CHECKING:
    from wherry.engine.engine import Engine


def restore_containers(
    engine: "Engine",
) -> tuple[list[Container], list[tuple[Container, WherryError]]]:
    """Start what its policy wants running: those started, and those that could not be.

    Oldest first, as they were made: what others link to usually came before them.
    """
    reconcile(engine)
    finish_what_a_reboot_cut_short(engine)
    started: list[Container] = []
    failed: list[tuple[Container, WherryError]] = []
    for container in reversed(list(list_containers(engine.store))):
        state = container.state
        if not container.status.can_start or state.started_at == NEVER:
            continue
        if should_restore(container.config.restart_policy, stop_requested=state.stop_requested):
            try:
                start_container(engine, container.id)
                started.append(container)
            except WherryError as error:
                failed.append((container, error))
    return started, failed
