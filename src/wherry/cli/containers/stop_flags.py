"""The flags that `stop` and `restart` share."""

from wherry.cli.flags import FlagSet, String
from wherry.cli.number_flags import Integer


class StopFlags(FlagSet):
    signal = String("s", "Signal to send to the container")
    timeout = Integer("t", "Seconds to wait before killing the container")
    time = Integer("", "Seconds to wait before killing the container", deprecated="use --timeout")

    def seconds(self) -> float | None:
        """How long to wait before killing, where it was said."""
        if self.given("timeout"):
            return self.timeout
        return self.time if self.given("time") else None
