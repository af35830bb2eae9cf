"""What pull and push show: Docker's lines, redrawn in place on a terminal."""

import signal
from contextlib import contextmanager

from wherry.cli.context import is_terminal
from wherry.cli.progress import Bars
from wherry.registry.patience import Cancelled
from wherry.registry.transport import Transport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from wherry.cli.progress import Sink
    from wherry.engine.images.progress import Progress, Report


@contextmanager
def interruptible() -> "Iterator[Transport]":
    """A transport that control-C wakes, whatever its threads wait for."""
    transport = Transport()

    def interrupt(_number: int, _frame: object) -> None:
        transport.cancellation.cancel()
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield transport
    except Cancelled:
        raise KeyboardInterrupt from None
    finally:
        signal.signal(signal.SIGINT, before)


def report_to(sink: "Sink", *, descriptor: int = 1, quiet: bool = False) -> "Report":
    """Where the messages of a transfer go; `descriptor` is what `sink` writes to."""
    if quiet:
        return lambda _progress: None
    if is_terminal(descriptor):
        return _Drawn(Bars(sink, descriptor))
    return lambda progress: _print(sink, progress)


def _print(sink: "Sink", progress: "Progress") -> None:
    """A line for each change; how far something is interests no log."""
    if progress.total:
        return
    before = f"{progress.id}: " if progress.id else ""
    sink.write(f"{before}{progress.status}\n")
    sink.flush()


class _Drawn:
    """A line for each layer."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars

    def __call__(self, progress: "Progress") -> None:
        if not progress.id:
            self._bars.note(progress.status)
        elif progress.total:
            self._bars.show(progress.id, progress.status, progress.current, progress.total)
        else:
            self._bars.tell(progress.id, progress.status)
