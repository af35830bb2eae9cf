"""Parser directives: `# syntax=`, `# escape=` and `# check=` at the very top of a file.

https://docs.docker.com/reference/dockerfile/#parser-directives
"""

from wherry.dockerfile.characters import SPACE
from wherry.errors import InvalidArgument
from wherry.go_text import quoted
from wherry.lazy import regex
from wherry.values import dataclass

NAMES = ("syntax", "escape", "check")
DEFAULT_ESCAPE = "\\"

_DIRECTIVE = regex(r"([a-zA-Z][a-zA-Z0-9]*)[\t\n\f\r ]*=[\t\n\f\r ]*(.+?)[\t\n\f\r ]*")
_TRUE = ("1", "t", "T", "TRUE", "true", "True")
_FALSE = ("0", "f", "F", "FALSE", "false", "False")


def read_directive(line: str) -> tuple[str, str] | None:
    """Name and value if a line without blanks in front is a directive."""
    if not line.startswith("#"):
        return None
    match = _DIRECTIVE.fullmatch(line[1:].lstrip(SPACE))
    if match is None or match[1].lower() not in NAMES:
        return None
    return match[1].lower(), match[2]


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """What `# check=skip=A,B;error=true` asks of the linter; "all" stands for every rule."""

    skip: tuple[str, ...] = ()
    experimental: tuple[str, ...] = ()
    error: bool = False


class InvalidCheckOption(InvalidArgument):
    def __init__(self, option: str) -> None:
        super().__init__(f"invalid check option {quoted(option)}")


def parse_check(value: str) -> CheckOptions:
    """The options in the value of a check directive, which may also stand above an instruction."""
    skip: tuple[str, ...] = ()
    experimental: tuple[str, ...] = ()
    error = False
    for part in value.strip(SPACE).split(";", 2) if value.strip(SPACE) else ():
        key, equals, text = part.partition("=")
        if not equals:
            raise InvalidCheckOption(part)
        match key.strip(SPACE):
            case "skip":
                skip = _rules(text)
            case "experimental":
                experimental = _rules(text)
            case "error":
                error = _truth(part, text.strip(SPACE))
            case other:
                raise InvalidCheckOption(other)
    return CheckOptions(skip, experimental, error)


def check_above(comments: tuple[str, ...]) -> CheckOptions | None:
    """The options of the first `check=` among the comments of an instruction, if one is sound."""
    for comment in comments:
        match read_directive("#" + comment):
            case ("check", value):
                try:
                    return parse_check(value.partition(" ")[0])
                except InvalidArgument:
                    return None
    return None


def _rules(text: str) -> tuple[str, ...]:
    return tuple(rule.strip(SPACE) for rule in text.split(","))


def _truth(part: str, text: str) -> bool:
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise InvalidArgument(
        f"failed to parse check option {quoted(part)}: "
        f"strconv.ParseBool: parsing {quoted(text)}: invalid syntax"
    )
