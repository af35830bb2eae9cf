"""How a build that fails is told: the step, the end of its log, its place, and what went wrong."""

from wherry.build.errors import BuildFailed, exact_place
from wherry.cli.context import Context
from wherry.dockerfile.errors import InvalidDockerfile, sentence

_LOG_LINES = 20
_SOLVING = "failed to build: failed to solve: "


def print_failure(error: BuildFailed, context: Context, *, repeats_log: bool) -> None:
    """As BuildKit's client does; the log only where it was not shown as it came."""
    lines = []
    if error.step and error.log and repeats_log:
        lines += ["-" * 6, f" > {error.step}:"]
        lines += error.log.decode("utf-8", "replace").rstrip("\n").split("\n")[-_LOG_LINES:]
        lines.append("-" * 6)
    if error.place is not None:
        lines.append(error.place.excerpt)
    lines.append(f"ERROR: {_SOLVING}{error.message}")
    if error.hint:
        lines.append(f"Hint: {error.hint}")
    context.err("\n".join(lines))
    context.status = 1


def print_problems(error: InvalidDockerfile, context: Context, *, solving: bool = True) -> None:
    """All that is wrong in a Dockerfile, each with its line and a mark below the word."""
    for problem in error.problems:
        text = sentence(error.source, problem)
        context.err(exact_place(error.source, problem.span).excerpt)
        context.err(f"ERROR: {_SOLVING if solving else ''}{text}")
    context.status = 1
