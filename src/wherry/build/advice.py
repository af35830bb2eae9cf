"""`build --advise`: what another order of the steps would have saved in the builds that were made.

Each past build says which steps were carried out, how long that took, and the first cause. A step
that was rebuilt only because one before it was would have been left alone in front of that one:

    COPY . .                        src/app.py changed in 7 builds
    RUN apt-get install -y git      reads nothing of the context: move it up
    RUN pip install -r needs.txt    reads needs.txt, which changed in 1 of them: copy that first

What a command reads is known for the programs of `command_reads` only; of any other it is taken
that it may read everything, and nothing is said. Only builds of the very same steps count.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import pairwise

from wherry.build.cache import NEVER_BUILT
from wherry.build.command_reads import Reads, reads_of
from wherry.build.difference import BASE_CHANGED, PARENT_REBUILT
from wherry.store.build_history import PastStep
from wherry.values import dataclass

_NANO = 1e9
_LEAST = 0.05  # seconds; less is not worth a line
_LEAST_SHARE = 0.01  # of the time that all those builds took
_FEWEST = 2  # rebuilds together after which two steps look like one


class Kind(StrEnum):
    MOVE = "move"
    COPY_FIRST = "copy-first"
    ARG_LATER = "arg-later"
    MERGE = "merge"


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """A step that makes a layer, as it is now. `line` is where it stands, 0 for a trigger.

    `files` are the paths that it copies, in the context, and `destination` is where to;
    `arguments` are the ARGs that a command sees.
    """

    number: int
    text: str
    line: int
    instruction: str
    command: str = ""
    files: frozenset[str] = frozenset()
    destination: str = ""
    arguments: frozenset[str] = frozenset()
    is_barred: bool = False
    """Whether an ENV, USER or the like stands between it and the step before."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Advice:
    """One change, why, and what it would have saved so far."""

    kind: Kind
    line: int
    text: str
    reason: str
    seconds: float
    builds: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Advised:
    """All advice, the most valuable first; `builds` past builds and their seconds back it."""

    advice: tuple[Advice, ...]
    builds: int
    seconds: float


def advise(stages: Iterable[Sequence[Known]], past: Iterable[Sequence[PastStep]]) -> Advised:
    """What the builds so far would have gained by."""
    stages = [list(steps) for steps in stages]
    known = [(step.number, step.text) for steps in stages for step in steps]
    builds = [
        {step.number: step for step in build}
        for build in past
        if sorted((step.number, step.text) for step in build) == sorted(known)
    ]
    advice = [each for steps in stages for each in _of_stage(steps, builds)]
    spent = sum(step.duration_ns for build in builds for step in build.values()) / _NANO
    advice = [each for each in advice if each.seconds >= max(_LEAST, _LEAST_SHARE * spent)]
    advice.sort(key=lambda each: -each.seconds)
    return Advised(advice=tuple(advice), builds=len(builds), seconds=spent)


Build = Mapping[int, PastStep]


def _of_stage(steps: Sequence[Known], builds: Sequence[Build]) -> Iterator[Advice]:
    moved: set[int] = set()
    for at, step in enumerate(steps):
        if step.instruction == "RUN":
            advice, passed = _moved_up(steps, at, moved, builds)
            if advice is not None:
                moved.add(step.number)
                yield advice
            if passed is not None and (advice := _copied_first(step, passed, builds)) is not None:
                yield advice
    yield from _later_arguments(steps, builds)
    yield from _merged(steps, builds)


def _moved_up(
    steps: Sequence[Known], at: int, moved: set[int], builds: Sequence[Build]
) -> tuple[Advice | None, Known | None]:
    """Advice to move a RUN in front of copies that it does not read, and the copy it stops at."""
    step = steps[at]
    front: list[Known] = []
    stopped_at = None
    barred = step.is_barred
    for before in reversed(steps[:at]):
        if barred:
            break
        barred = before.is_barred
        if before.number in moved:
            continue
        if before.instruction not in ("COPY", "ADD"):
            break
        if reads_of(step.command, before.files, before.destination) != Reads():
            stopped_at = before
            break
        front.append(before)
    if not front:
        return None, stopped_at
    seconds, count = _saved(step, {each.number for each in front}, steps[:at], builds)
    first = front[-1]
    return (
        Advice(
            kind=Kind.MOVE,
            line=step.line,
            text=f"move `{_short(step.text)}` in front of `{_short(first.text)}`{_line(first)}",
            reason=f"it reads nothing of what that copies, and was rebuilt {_times(count)} only"
            f" because {_what_changed(front, builds)} changed",
            seconds=seconds,
            builds=count,
        ),
        stopped_at,
    )


def _copied_first(step: Known, copy: Known, builds: Sequence[Build]) -> Advice | None:
    """Advice to copy the files that a RUN reads on their own, before the RUN and the rest."""
    reads = reads_of(step.command, copy.files, copy.destination)
    if reads.everything or reads.files >= copy.files:
        return None
    seconds = 0
    count = 0
    others: set[str] = set()
    for build in builds:
        own, cause = build[step.number], build[copy.number]
        changed = set(cause.changed)
        if own.reason == PARENT_REBUILT and changed and not (changed & reads.files):
            seconds += own.duration_ns
            count += 1
            others |= changed
    if not count:
        return None
    names = " ".join(sorted(reads.files))
    return Advice(
        kind=Kind.COPY_FIRST,
        line=step.line,
        text=f"copy {names} on its own in front of `{_short(step.text)}`, and the rest behind it",
        reason=f"of what `{_short(copy.text)}`{_line(copy)} copies it reads {names}; it was rebuilt"
        f" {_times(count)} because {_listed(others)} changed",
        seconds=seconds / _NANO,
        builds=count,
    )


def _later_arguments(steps: Sequence[Known], builds: Sequence[Build]) -> Iterator[Advice]:
    """Advice to declare an ARG behind the commands that do not use it."""
    names = {_argument(step.reason) for build in builds for step in build.values()} - {""}
    for name in sorted(names):
        runs = [step for step in steps if step.instruction == "RUN" and name in step.arguments]
        unaffected: list[Known] = []
        for step in runs:
            if name in step.command:
                break
            unaffected.append(step)
        seconds = 0
        count = 0
        for build in builds:
            changed = [step for step in unaffected if _argument(build[step.number].reason) == name]
            if not changed:
                continue
            count += 1
            since = changed[0].number
            seconds += sum(
                build[step.number].duration_ns
                for step in unaffected
                if step.number == since or build[step.number].reason == PARENT_REBUILT
            )
        if count:
            last = unaffected[-1]
            yield Advice(
                kind=Kind.ARG_LATER,
                line=last.line,
                text=f"declare ARG {name} behind `{_short(last.text)}`{_line(last)}",
                reason=f"a RUN depends on every ARG above it, used or not: {name} had another value"
                f" in {count} builds, and nothing up to there uses it",
                seconds=seconds / _NANO,
                builds=count,
            )


def _merged(steps: Sequence[Known], builds: Sequence[Build]) -> Iterator[Advice]:
    """Advice to make neighbours one step that were never rebuilt apart: a layer less each time."""
    for first, second in pairwise(steps):
        if first.instruction != "RUN" or second.instruction != "RUN" or second.is_barred:
            continue
        pairs = [(build[first.number], build[second.number]) for build in builds]
        together = [pair for pair in pairs if all(_is_rebuilt(step) for step in pair)]
        apart = [pair for pair in pairs if bool(pair[0].reason) != bool(pair[1].reason)]
        if len(together) < _FEWEST or apart:
            continue
        yield Advice(
            kind=Kind.MERGE,
            line=second.line,
            text=f"make `{_short(second.text)}` one step with `{_short(first.text)}`{_line(first)}",
            reason=f"they were rebuilt together {_times(len(together))} and never apart: each time"
            " one layer less to measure and store",
            seconds=sum(min(a.overhead_ns, b.overhead_ns) for a, b in together) / _NANO,
            builds=len(together),
        )


# ---- what builds tell


def _saved(
    step: Known, passed: set[int], before: Sequence[Known], builds: Sequence[Build]
) -> tuple[float, int]:
    """Seconds and number of the builds whose only causes are steps that are passed."""
    seconds = count = 0
    for build in builds:
        causes = {each.number for each in before if _is_cause(build[each.number])}
        if build[step.number].reason == PARENT_REBUILT and causes and causes <= passed:
            seconds += build[step.number].duration_ns
            count += 1
    return seconds / _NANO, count


def _is_rebuilt(step: PastStep) -> bool:
    return step.reason not in ("", NEVER_BUILT)


def _is_cause(step: PastStep) -> bool:
    return step.reason not in ("", PARENT_REBUILT, BASE_CHANGED)


def _what_changed(copies: Iterable[Known], builds: Sequence[Build]) -> str:
    changed = {path for build in builds for each in copies for path in build[each.number].changed}
    return _listed(changed) if changed else "what is copied"


def _argument(reason: str) -> str:
    """The ARG that a reason names, if it is one."""
    return reason[4:].partition(":")[0] if reason.startswith("ARG ") else ""


# ---- words


def _listed(paths: Iterable[str]) -> str:
    listed = sorted(paths)
    more = f" and {len(listed) - 3} more" if len(listed) > 3 else ""
    return ", ".join(listed[:3]) + more


def _line(step: Known) -> str:
    return f" (line {step.line})" if step.line else ""


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 60 else flat[:57] + "..."
