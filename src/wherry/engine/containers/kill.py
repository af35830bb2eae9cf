"""Sending a signal to a container."""

from typing import TYPE_CHECKING

from wherry.engine.containers.orders import carry_out, find_live_container
from wherry.errors import Conflict, InvalidArgument, NotFound
from wherry.shim.errors import ContainerNotRunning
from wherry.shim.stop_signal import parse_signal
from wherry.store.containers import NoSuchContainer

if TYPE_CHECKING:
    from wherry.engine.engine import Engine


class CannotKill(Conflict):
    def __init__(self, name: str, error: ContainerNotRunning) -> None:
        super().__init__(f"cannot kill container: {name}: {error.message}")


class NothingToKill(NotFound):
    def __init__(self, name: str, error: NoSuchContainer) -> None:
        super().__init__(f"cannot kill container: {name}: {error.message}")


def kill_container(engine: "Engine", name: str, signal: str = "KILL") -> None:
    """Send `signal` (a name or a number) to the first process of the container called `name`.

    A container that is ended by SIGKILL or by its stop signal is not restarted by policy.
    """
    try:
        number = parse_signal(signal)
    except InvalidArgument as error:
        if signal.isdecimal() and int(signal):
            text = f"Cannot kill container: {name}: The linux daemon does not support signal"
            raise InvalidArgument(f"{text} {signal}") from error
        raise InvalidArgument(f"Invalid signal: {signal}") from error
    try:
        container = find_live_container(engine, name)
    except NoSuchContainer as error:
        raise NothingToKill(name, error) from error
    try:
        carry_out(engine, container, "kill", {"signal": number})
    except ContainerNotRunning as error:
        raise CannotKill(name, error) from error
