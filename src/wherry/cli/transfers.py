"""What pull and push show: Docker's lines, redrawn in place on a terminal."""

from wherry.cli.context import Context, is_terminal
from wherry.cli.progress import Bars

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherry.engine.images.progress import Progress, Report


def report_to(context: Context, *, quiet: bool) -> "Report":
    """Where the messages of a transfer go."""
    if quiet:
        return lambda _progress: None
    if is_terminal(1):
        return _Drawn(context)
    return lambda progress: _print(context, progress)


def _print(context: Context, progress: "Progress") -> None:
    """A line for each change; how far something is interests no log."""
    if progress.total:
        return
    context.out(f"{progress.id}: {progress.status}" if progress.id else progress.status)
    context.flush()


class _Drawn:
    """A line for each layer."""

    def __init__(self, context: Context) -> None:
        self._bars = Bars(context)

    def __call__(self, progress: "Progress") -> None:
        if not progress.id:
            self._bars.note(progress.status)
        elif progress.total:
            self._bars.show(progress.id, progress.status, progress.current, progress.total)
        else:
            self._bars.tell(progress.id, progress.status)
