"""Names and numbers of signals, as Docker's clients write them."""

import re
import signal

from wherry.errors import InvalidArgument

_REALTIME = re.compile(r"RT(MIN|MAX)(?:([+-])(\d+))?")


class InvalidSignal(InvalidArgument):
    def __init__(self, text: str) -> None:
        super().__init__(f"invalid signal: {text}")


def parse_signal(text: str) -> int:
    """The number of `9`, `KILL`, `SIGKILL`, `sigkill` or `RTMIN+3`; InvalidSignal otherwise."""
    text = text.strip()
    if text.isdecimal() and text.isascii():
        number = int(text)
        if not 0 < number < signal.NSIG:
            raise InvalidSignal(text)
        return number
    name = text.upper().removeprefix("SIG")
    if match := _REALTIME.fullmatch(name):
        base = signal.SIGRTMIN if match[1] == "MIN" else signal.SIGRTMAX
        number = base + int(f"{match[2] or '+'}{match[3] or 0}")
        if signal.SIGRTMIN <= number <= signal.SIGRTMAX:
            return number
    found = signal.Signals.__members__.get(f"SIG{name}")
    if found is None:
        raise InvalidSignal(text)
    return int(found)


def stop_signal_of(text: str) -> int:
    """The signal that a container's configuration names for stopping it; by default SIGTERM."""
    return parse_signal(text) if text else signal.SIGTERM
