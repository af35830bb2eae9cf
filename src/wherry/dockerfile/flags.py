"""The flags of instructions: which there are, and what they hold."""

from wherry.dockerfile.errors import Fault, with_suggestion
from wherry.dockerfile.statement import Flag, Word
from wherry.values import dataclass

BOOL = "bool"
TEXT = "text"
TEXTS = "texts"
"""A text that may be given several times."""

KNOWN: dict[str, dict[str, str]] = {
    "FROM": {"platform": TEXT},
    "RUN": {
        "mount": TEXTS,
        "device": TEXTS,
        "network": TEXT,
        "security": TEXT,
    },
    "COPY": {
        "from": TEXT,
        "chown": TEXT,
        "chmod": TEXT,
        "link": BOOL,
        "parents": BOOL,
        "exclude": TEXTS,
    },
    "ADD": {
        "chown": TEXT,
        "chmod": TEXT,
        "link": BOOL,
        "exclude": TEXTS,
        "checksum": TEXT,
        "keep-git-dir": BOOL,
        "unpack": BOOL,
    },
    "HEALTHCHECK": {
        "interval": TEXT,
        "timeout": TEXT,
        "start-period": TEXT,
        "start-interval": TEXT,
        "retries": TEXT,
    },
}


@dataclass(frozen=True, slots=True)
class Flags:
    """The flags of one instruction, checked."""

    texts: dict[str, tuple[Word, ...]]
    truths: dict[str, bool]

    def text(self, name: str) -> Word | None:
        """The value of a flag; None if it was not given."""
        values = self.texts.get(name)
        return values[0] if values else None

    def all(self, name: str) -> tuple[Word, ...]:
        return self.texts.get(name, ())

    def truth(self, name: str) -> bool | None:
        return self.truths.get(name)


def read_flags(instruction: str, flags: tuple[Flag, ...]) -> Flags:
    """The values of `flags`; a Fault at the first that `instruction` does not take so."""
    known = KNOWN.get(instruction, {})
    texts: dict[str, tuple[Word, ...]] = {}
    truths: dict[str, bool] = {}
    for flag in flags:
        kind = known.get(flag.name)
        if kind is None:
            message = with_suggestion(f"unknown flag: --{flag.name}", flag.name, known)
            raise Fault(message, flag.span)
        if kind is not TEXTS and (flag.name in texts or flag.name in truths):
            raise Fault(f"duplicate flag specified: --{flag.name}", flag.span)
        if kind is BOOL:
            truths[flag.name] = _truth(flag)
        elif flag.value is None:
            raise Fault(f"missing a value on flag: --{flag.name}", flag.span)
        else:
            word = Word(flag.value, flag.value_span)
            texts[flag.name] = (*texts.get(flag.name, ()), word)
    return Flags(texts, truths)


def _truth(flag: Flag) -> bool:
    if flag.value is None:
        return True
    if flag.value == "":
        raise Fault(f"missing a value on flag: --{flag.name}", flag.span)
    match flag.value.lower():
        case "true":
            return True
        case "false":
            return False
    raise Fault(
        f"expecting boolean value for flag --{flag.name}, not: {flag.value}", flag.value_span
    )
