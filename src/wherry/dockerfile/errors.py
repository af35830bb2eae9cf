"""What is wrong in a Dockerfile, all of it at once, each fault with its place.

The sentences are BuildKit's.
"""

from wherry.dockerfile.source import Source, Span
from wherry.errors import InvalidArgument
from wherry.values import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_NEAR = 3  # BuildKit suggests what is fewer changes than this away


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault. `prefixed` ones are announced as parse errors of their line, as BuildKit does."""

    message: str
    span: Span
    prefixed: bool = True


class Fault(Exception):
    """Raised within this package where a fault is found; collected by the parser."""

    def __init__(self, message: str, span: Span | None = None, *, prefixed: bool = True) -> None:
        super().__init__(message)
        self.message = message
        self.span = span
        self.prefixed = prefixed


class InvalidDockerfile(InvalidArgument):
    """`problems` in the order of the file."""

    def __init__(self, source: Source, problems: "Iterable[Problem]") -> None:
        self.source = source
        self.problems = tuple(sorted(problems, key=lambda problem: problem.span))
        super().__init__(
            "\n".join(sentence(source, problem) for problem in self.problems),
            hint="\n".join(excerpt(source, problem.span) for problem in self.problems),
        )


def sentence(source: Source, problem: Problem) -> str:
    """The fault as BuildKit words it."""
    if not problem.prefixed:
        return problem.message
    line = source.line_of(problem.span.start)
    return f"dockerfile parse error on line {line}: {problem.message}"


def excerpt(source: Source, span: Span) -> str:
    """The place, its line, and a caret below the first character."""
    line, column, _ = source.position(span.start)
    shown = source.line(line).expandtabs(1)
    width = max(1, min(span.end - span.start, len(shown) - column + 1))
    marks = "^" + "~" * (width - 1)
    number = f"{line} | "
    return (
        f"{source.name}:{line}:{column}\n{number}{shown}\n{' ' * (len(number) + column - 1)}{marks}"
    )


def with_suggestion(
    message: str, word: str, known: "Iterable[str]", *, any_case: bool = False
) -> str:
    """`message`, and behind it the known word that is meant, if one is near."""
    near = nearest(word, known, any_case=any_case)
    return f"{message} (did you mean {near}?)" if near else message


def nearest(word: str, known: "Iterable[str]", *, any_case: bool = False) -> str:
    """The known word fewer than three changes away, in the case of `word`; else ""."""
    asked = word.lower() if any_case else word
    best, best_rank = "", (_NEAR, False)
    for candidate in known:
        option = candidate.lower() if any_case else candidate
        if option == asked:
            return ""
        # Of words equally near, one with the same first letter: people err later on.
        rank = (_distance(asked, option), option[:1] != asked[:1])
        if rank < best_rank:
            best, best_rank = option, rank
    return best.upper() if any_case and word.isupper() else best


def _distance(left: str, right: str) -> int:
    """Levenshtein's, as far as it matters here."""
    if abs(len(left) - len(right)) >= _NEAR:
        return _NEAR
    row = list(range(len(right) + 1))
    for index, character in enumerate(left, 1):
        previous, row[0] = row[0], index
        for column, other in enumerate(right, 1):
            cost = previous + (character != other)
            previous = row[column]
            row[column] = min(row[column] + 1, row[column - 1] + 1, cost)
    return row[-1]
