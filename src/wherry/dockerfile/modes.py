"""`--chmod` of COPY and ADD: octal, or symbolic as chmod(1) has it (`u=rwX,go-w`)."""

from wherry.errors import InvalidArgument
from wherry.lazy import regex
from wherry.values import dataclass

_OCTAL = regex(r"[0-7]{1,5}")
_CLAUSE = regex(r"([ugoa]*)((?:[-+=](?:[ugo]|[rwxXst]*))+)")
_ACTION = regex(r"([-+=])([ugo]|[rwxXst]*)")
_SHIFTS = {"u": 6, "g": 3, "o": 0}
_HIGHEST = 0o7777


class InvalidMode(InvalidArgument):
    def __init__(self, text: str) -> None:
        super().__init__(
            f"invalid chmod parameter: '{text}'. it should be octal string and between 0 and 07777"
        )


@dataclass(frozen=True, slots=True)
class Mode:
    """A change of permission bits: one number for all, or clauses that build on what is there."""

    octal: int | None
    clauses: tuple[tuple[str, str], ...] = ()

    def applied(self, mode: int, *, is_directory: bool) -> int:
        """The bits of a file that has the bits `mode`."""
        if self.octal is not None:
            return self.octal
        for who, actions in self.clauses:
            for operator, what in _ACTION.findall(actions):
                mode = _act(mode, who or "a", operator, what, is_directory=is_directory)
        return mode


def parse_mode(text: str) -> Mode:
    """The mode that `text` asks for; or InvalidMode."""
    if _OCTAL.fullmatch(text) and int(text, 8) <= _HIGHEST:
        return Mode(int(text, 8))
    clauses = [_CLAUSE.fullmatch(part) for part in text.split(",")]
    if any(clause is None for clause in clauses):
        raise InvalidMode(text)
    return Mode(None, tuple((clause[1], clause[2]) for clause in clauses if clause))


def _act(mode: int, who: str, operator: str, what: str, *, is_directory: bool) -> int:
    classes = "ugo" if "a" in who else who
    bits = _bits(mode, what, classes, is_directory=is_directory)
    if operator == "+":
        return mode | bits
    if operator == "-":
        return mode & ~bits
    cleared = 0
    for letter in classes:
        cleared |= 0o7 << _SHIFTS[letter]
    if not is_directory:
        # As chmod(1): set-ID bits of a directory go only when they are named.
        cleared |= (0o4000 if "u" in classes else 0) | (0o2000 if "g" in classes else 0)
    return mode & ~cleared | bits


def _bits(mode: int, what: str, classes: str, *, is_directory: bool) -> int:
    bits = 0
    if what in _SHIFTS and what:
        one = mode >> _SHIFTS[what] & 0o7
    else:
        one = 4 * ("r" in what) + 2 * ("w" in what)
        one |= int("x" in what or ("X" in what and (is_directory or bool(mode & 0o111))))
        if "s" in what:
            bits |= (0o4000 if "u" in classes else 0) | (0o2000 if "g" in classes else 0)
        if "t" in what and "o" in classes:
            bits |= 0o1000
    for letter in classes:
        bits |= one << _SHIFTS[letter]
    return bits
