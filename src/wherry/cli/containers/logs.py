"""wherry logs"""

import time

from wherry.cli.containers.streaming import write_all
from wherry.cli.flags import Boolean, FlagSet, String, Syntax
from wherry.cli.units import parse_duration
from wherry.errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherry.cli.context import Context

SYNTAX = Syntax("[OPTIONS] CONTAINER", least=1, most=1)
_SECOND = 1_000_000_000


class Flags(FlagSet):
    clear = Boolean("", "Forget what was logged so far, and show nothing")
    details = Boolean("", "Show extra details provided to logs")
    follow = Boolean("f", "Follow log output")
    since = String(
        "",
        'Show logs since timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42'
        " minutes)",
    )
    tail = String(
        "n",
        "Number of lines to show from the end of the logs",
        default="all",
        default_text='"all"',
    )
    timestamps = Boolean("t", "Show timestamps")
    until = String(
        "",
        'Show logs before a timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42'
        " minutes)",
    )


def run(flags: Flags, context: "Context") -> None:
    # The store and the reader, which the help does without
    from wherry.engine.containers.logs import clear_logs, container_logs
    from wherry.shim.log.reader import LogRequest

    name = flags.operands[0]
    if flags.clear:
        clear_logs(context.engine, name)
        return
    request = LogRequest(
        since=_moment(flags.since, "since"),
        until=_moment(flags.until, "until"),
        tail=_tail(flags.tail),
        timestamps=flags.timestamps,
        details=flags.details,
    )
    for stream, text in container_logs(context.engine, name, request, follow=flags.follow):
        write_all(stream, text)


def _tail(text: str) -> int:
    """A number of lines; anything that is none, and a negative one, is all of them."""
    try:
        number = int(text)
    except ValueError:
        return -1
    return max(number, -1)


def _moment(text: str, name: str) -> int:
    """A duration before now, an RFC 3339 time with or without its parts, or seconds since 1970."""
    if not text:
        return 0
    try:
        return time.time_ns() - parse_duration(text)
    except ValueError:
        pass
    if text[0].isdigit() and "-" in text:
        return _timestamp(text, name)
    seconds, _, fraction = text.partition(".")
    if not (seconds.isdigit() and (fraction.isdigit() or not fraction)):
        raise InvalidArgument(
            f'invalid value for "{name}": failed to parse value as time or duration: "{text}"'
        )
    return int(seconds) * _SECOND + int((fraction + "000000000")[:9])


def _timestamp(text: str, name: str) -> int:
    """An RFC 3339 time; what is left out is midnight, and the local time zone."""
    from wherry.oci.timestamps import parse_timestamp  # for those who give one

    day, _, clock = text.replace(" ", "T").partition("T")
    has_zone = clock.endswith(("Z", "z")) or "+" in clock or "-" in clock
    if not has_zone:
        parts = (clock or "00").split(":")
        clock = ":".join([*parts, "00", "00"][: max(3, len(parts))])
    try:
        moment = parse_timestamp(f"{day}T{clock}{'' if has_zone else 'Z'}")
    except InvalidArgument as error:
        message = f'invalid value for "{name}": failed to parse value as time or duration: "{text}"'
        raise InvalidArgument(message) from error
    if has_zone:
        return moment
    local = time.localtime(moment // _SECOND)
    return moment - local.tm_gmtoff * _SECOND
