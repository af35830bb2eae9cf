"""--health-*, --no-healthcheck and Podman's --health-on-failure."""

from wherry.engine.containers.options.units import parse_duration
from wherry.engine.containers.options.values import InvalidFlagValue, Options
from wherry.errors import InvalidArgument
from wherry.oci.container_config import Healthcheck, HealthFailureAction

_DURATIONS = ("interval", "timeout", "start_period", "start_interval")


def read_healthcheck(options: Options) -> Healthcheck | None:
    """What the flags say; None when they say nothing. `test` is empty where it is the image's."""
    durations = {name: options.duration(f"health_{name}", parse_duration) for name in _DURATIONS}
    retries = options.integer("health_retries")
    test = _test(options)
    on_failure = _on_failure(options)
    has_settings = bool(test or retries or any(durations.values()))
    if options.flag("no_healthcheck"):
        if has_settings or on_failure is not HealthFailureAction.NONE:
            raise InvalidArgument("--no-healthcheck conflicts with --health-* options")
        return Healthcheck(test=("NONE",))
    if not has_settings and on_failure is HealthFailureAction.NONE:
        return None
    for name, value in (*durations.items(), ("retries", retries)):
        if value < 0:
            raise InvalidArgument(f"--health-{name.replace('_', '-')} cannot be negative")
    return Healthcheck(test=test, retries=retries, on_failure=on_failure, **durations)


def _test(options: Options) -> tuple[str, ...]:
    command = options.raw("health_cmd")
    if isinstance(command, (list, tuple)) and len(command) != 1:
        return ("CMD", *(str(word) for word in command))
    text = options.text("health_cmd")
    return ("CMD-SHELL", text) if text else ()


def _on_failure(options: Options) -> HealthFailureAction:
    text = options.text("health_on_failure") or "none"
    try:
        return HealthFailureAction(text)
    except ValueError:
        known = ", ".join(f'"{action.value}"' for action in HealthFailureAction)
        raise InvalidFlagValue("health_on_failure", text, f"must be one of {known}") from None
