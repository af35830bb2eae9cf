"""`Up 3 minutes (healthy)`, `Exited (0) 2 hours ago`: how a container is, in the words of ps."""

from wherry.store.containers import NEVER, State, Status

_MINUTE = 60
_HOUR = 3600
_DAY = 24 * _HOUR
_UNITS = (("years", 365 * _DAY), ("months", 30 * _DAY), ("weeks", 7 * _DAY))


def status_text(state: State, started_ns: int, finished_ns: int, now_ns: int) -> str:
    """The state at `now_ns`; times are nanoseconds since 1970."""
    since_start = elapsed_text((now_ns - started_ns) / 1e9)
    since_end = elapsed_text((now_ns - finished_ns) / 1e9)
    status = state.status
    if status is Status.PAUSED:
        return f"Up {since_start} (Paused)"
    if status is Status.RESTARTING:
        return f"Restarting ({state.exit_code}) {since_end} ago"
    if status is Status.RUNNING:
        return f"Up {since_start}{_health(state)}"
    if status is Status.REMOVING:
        return "Removal In Progress"
    if status is Status.DEAD:
        return "Dead"
    if state.started_at == NEVER:
        return "Created"
    if state.finished_at == NEVER:
        return ""
    return f"Exited ({state.exit_code}) {since_end} ago"


def _health(state: State) -> str:
    health = state.health.status if state.health is not None else "none"
    if health == "none":
        return ""
    return " (health: starting)" if health == "starting" else f" ({health})"


def elapsed_text(seconds: float) -> str:
    """A length of time as Docker words it: one unit, rounded."""
    whole = int(seconds)
    if whole < 1:
        return "Less than a second"
    if whole == 1:
        return "1 second"
    if whole < _MINUTE:
        return f"{whole} seconds"
    if whole < 2 * _MINUTE:
        return "About a minute"
    if whole < _HOUR:
        return f"{whole // _MINUTE} minutes"
    rounded = int(seconds / _HOUR + 0.5)
    if rounded == 1:
        return "About an hour"
    if rounded < 48:
        return f"{rounded} hours"
    for name, unit in _UNITS:
        if rounded * _HOUR >= 2 * unit:
            return f"{int(seconds / unit)} {name}"
    return f"{int(seconds / _DAY)} days"
