"""What a command works with: the engine, its output and its exit status."""

import posix  # os would take a millisecond, see `wherry.environment`

from wherry.errors import WherryError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from wherry.engine.engine import Engine

LOG_LEVELS = ("debug", "info", "warn", "error", "fatal")
_BUFFERED = 32768  # characters kept before they are written


class OutputClosed(Exception):
    """Whoever read standard output went away; the program ends as by SIGPIPE."""


class Declined(Exception):
    """The command would take more than a fork of the launcher is for; nothing of it was done."""


class OutputFailed(WherryError):
    """Standard output cannot be written, as when its disk is full."""

    def __init__(self, error: OSError) -> None:
        super().__init__(f"write /dev/stdout: {(error.strerror or str(error)).lower()}")


class Output:
    """Text on its way to a descriptor, written when it is much and at the end.

    Names that are not UTF-8 come out as the bytes they were.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._pending: list[str] = []
        self._length = 0

    def write(self, text: str) -> None:
        self._pending.append(text)
        self._length += len(text)
        if self._length >= _BUFFERED:
            self.flush()

    def flush(self) -> None:
        """Write what is pending; raises OutputClosed or OutputFailed."""
        rest = memoryview("".join(self._pending).encode("utf-8", "surrogateescape"))
        self._pending.clear()
        self._length = 0
        while rest:
            try:
                rest = rest[posix.write(self.descriptor, rest) :]
            except BrokenPipeError:
                raise OutputClosed from None
            except OSError as error:
                raise OutputFailed(error) from error


class Context:
    """Hands a command its engine and takes its lines, failures and exit status."""

    def __init__(
        self,
        root: str | None = None,
        run: str | None = None,
        log_level: str = "info",
        engine: "Engine | None" = None,
    ) -> None:
        self.root = root
        self.run = run
        self.log_level = log_level
        self.words: list[str] = []  # the whole command line, where another may carry it out
        self.status = 0
        self.failure = 1  # the exit status of errors that have none of their own
        # Of a fork that may do no more than is in the build cache: called when it is certain that
        # it will, else `Declined` is raised.
        self.on_cached: Callable[[], None] | None = None
        self._stdout = Output(1)
        self._engine = engine

    @property
    def engine(self) -> "Engine":
        """The engine on the chosen folders, made when first asked for."""
        if self._engine is None:
            # 20 ms and more that `wherry exec` through a launcher does without
            from wherry.engine.engine import Engine

            self._engine = Engine(self.root, self.run)
        return self._engine

    def out(self, line: str) -> None:
        """Print `line` and a line break on standard output."""
        self._stdout.write(line + "\n")

    def write(self, text: str) -> None:
        """Print `text` as it is on standard output."""
        self._stdout.write(text)

    def flush(self) -> None:
        """Let what was printed be seen now."""
        self._stdout.flush()

    def err(self, line: str) -> None:
        """Print `line` and a line break on standard error, after what was printed before it."""
        self._stdout.flush()
        write_error(line)

    def warn(self, line: str) -> None:
        """Print a warning, unless only errors were asked for."""
        if LOG_LEVELS.index(self.log_level) <= LOG_LEVELS.index("warn"):
            self.err(line)

    def fail(self, error: WherryError) -> None:
        """Report `error` and go on; the program will end with its exit status."""
        self.err(error_text(error))
        self.status = self.status_of(error)
        if self.log_level == "debug":
            import traceback  # for those who debug

            self.err("".join(traceback.format_exception(error)).rstrip())

    def for_each(self, names: "Iterable[str]", action: "Callable[[str], object]") -> None:
        """Do `action` with every name and print those it was done with; one failure stops none."""
        for name in names:
            try:
                action(name)
            except WherryError as error:
                self.fail(error)
            else:
                self.out(name)

    def status_of(self, error: WherryError) -> int:
        """The exit status that `error` means for the command that runs."""
        return error.exit_code if error.exit_code != 1 else self.failure

    def confirmed(self, question: str) -> bool:
        """Whether the person at standard input says yes to `question`."""
        self.write(f"{question} [y/N] ")
        self.flush()
        answer = b""
        while not answer.endswith(b"\n"):
            byte = posix.read(0, 1)
            if not byte:
                break
            answer += byte
        return answer.decode("utf-8", "replace").strip().lower() in {"y", "yes"}


def is_terminal(descriptor: int) -> bool:
    """Whether a person looks at, or types into, `descriptor`."""
    return posix.isatty(descriptor)


def fitted(line: str) -> str:
    """`line`, cut where the terminal ends that standard output is; elsewhere all of it."""
    if not is_terminal(1):
        return line
    width = posix.get_terminal_size(1).columns
    return line if len(line) <= width or width < 10 else f"{line[: width - 3]}..."


def write_error(line: str) -> None:
    """Print `line` on standard error; where that is impossible nobody can be told."""
    rest = memoryview((line + "\n").encode("utf-8", "surrogateescape"))
    try:
        while rest:
            rest = rest[posix.write(2, rest) :]
    except OSError:
        return


def error_text(error: WherryError) -> str:
    """`error` as the command line prints it: its sentence, then what can be done about it."""
    lines = [f"wherry: {error.message}", *getattr(error, "__notes__", ())]
    if error.hint:
        lines.append(f"Hint: {error.hint}")
    return "\n".join(lines)
