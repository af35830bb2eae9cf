"""How a build's progress is shown: lines as BuildKit prints them, JSON, or nothing.

plain     #5 [2/3] RUN make      a line for all that happens
tty       a tree that is drawn again as it changes (`tree.py`)
rawjson   BuildKit's SolveStatus documents
quiet     nothing
"""

from hashlib import sha256
from typing import Self

from wherry.build.progress import Event, Kind
from wherry.cli.context import write_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherry.engine.builds.checks import Warned
    from wherry.lint.linter import Report


class Display:
    """Shows nothing; the base of the others."""

    repeats_log = True

    @property
    def warned(self) -> "Warned | None":
        """Told what the checks find, where that is shown."""
        return None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def report(self, event: Event) -> None:
        """Show the event."""

    def close(self) -> None:
        """Show what is left to be shown."""


def display_of(mode: str, *, expanded: bool = False) -> Display:
    """The display that --progress names; `expanded` ones say what warnings mean."""
    if mode == "tty":
        from wherry.cli.builds.tree import TreeDisplay  # drawing, for terminals only

        return TreeDisplay(expanded=expanded)
    if mode == "plain":
        return PlainDisplay(expanded=expanded)
    return RawDisplay() if mode == "rawjson" else Display()


class TextDisplay(Display):
    """What people read: warnings are its last lines."""

    is_colored = False

    def __init__(self, *, expanded: bool = False) -> None:
        self._expanded = expanded
        self._warnings: Report | None = None

    @property
    def warned(self) -> "Warned":
        return self._keep

    def _keep(self, report: "Report") -> None:
        self._warnings = report  # until the progress is complete

    def close(self) -> None:
        if self._warnings is not None:
            from wherry.cli.builds.warnings import warning_lines  # which few builds have

            lines = warning_lines(self._warnings, expanded=self._expanded, colored=self.is_colored)
            write_error("\n".join(lines))


class PlainDisplay(TextDisplay):
    """BuildKit's plain progress. Lines of a step come as they are complete."""

    def __init__(self, *, expanded: bool = False) -> None:
        super().__init__(expanded=expanded)
        self._numbers: dict[str, int] = {}
        self._started: dict[str, int] = {}
        self._rest: dict[str, bytes] = {}
        self._last = ""

    def report(self, event: Event) -> None:
        if event.kind is Kind.MISSED:
            return
        number = self._numbers.setdefault(event.vertex, len(self._numbers) + 1)
        if self._last and self._last != event.vertex:
            write_error("")
        switched = self._last != event.vertex
        self._last = event.vertex
        if event.kind is Kind.STARTED:
            self._started[event.vertex] = event.time_ns
            write_error(f"#{number} {event.text}")
        elif event.kind is Kind.OUTPUT:
            if switched:
                write_error(f"#{number} ...")
            self._output(number, event)
        else:
            self._end(number, event)
            self._last = event.vertex

    def _output(self, number: int, event: Event) -> None:
        data = self._rest.pop(event.vertex, b"") + event.data
        *lines, rest = data.split(b"\n")
        if rest:
            self._rest[event.vertex] = rest
        self._print(number, event, lines, timed=event.stream != 0)

    def _print(self, number: int, event: Event, lines: list[bytes], *, timed: bool) -> None:
        passed = (event.time_ns - self._started.get(event.vertex, event.time_ns)) / 1e9
        front = f"#{number} {passed:.3f} " if timed else f"#{number} "
        if lines:
            texts = (line.decode("utf-8", "surrogateescape").rstrip("\r") for line in lines)
            write_error("\n".join(front + text for text in texts))

    def _end(self, number: int, event: Event) -> None:
        if rest := self._rest.pop(event.vertex, b""):
            self._print(number, event, [rest], timed=True)
        if event.text:
            word = "CANCELED" if event.text == "CANCELED" else f"ERROR: {event.text}"
            write_error(f"#{number} {word}")
        elif event.cached:
            write_error(f"#{number} CACHED")
        else:
            passed = (event.time_ns - self._started.get(event.vertex, event.time_ns)) / 1e9
            write_error(f"#{number} DONE {passed:.1f}s")


class RawDisplay(Display):
    """A SolveStatus document a line."""

    repeats_log = False

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._started: dict[str, str] = {}

    @property
    def warned(self) -> "Warned":
        return self._print_warnings

    def _print_warnings(self, report: "Report") -> None:
        import json

        from wherry.engine.documents.dockerfile import warning_documents

        write_error(json.dumps({"warnings": warning_documents(report)}))

    def report(self, event: Event) -> None:
        import base64
        import json

        from wherry.oci.timestamps import format_timestamp

        if event.kind is Kind.MISSED:
            return
        moment = format_timestamp(event.time_ns)
        digest = f"sha256:{sha256(event.vertex.encode()).hexdigest()}"
        if event.kind is Kind.OUTPUT:
            log = {
                "vertex": digest,
                "stream": event.stream,
                "data": base64.b64encode(event.data).decode(),
                "timestamp": moment,
            }
            write_error(json.dumps({"logs": [log]}))
            return
        vertex: dict[str, object] = {"digest": digest}
        if event.kind is Kind.STARTED:
            self._names[event.vertex] = event.text
            self._started[event.vertex] = moment
        vertex["name"] = self._names.get(event.vertex, event.vertex)
        vertex["started"] = self._started.get(event.vertex, moment)
        if event.kind is Kind.FINISHED:
            vertex["completed"] = moment
            if event.cached:
                vertex["cached"] = True
            if event.text:
                vertex["error"] = event.text
        write_error(json.dumps({"vertexes": [vertex]}))
