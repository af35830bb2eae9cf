"""Flags as Docker's command line takes them, declared as the attributes of a class.

    class Flags(FlagSet):
        all = Boolean("a", "Show all containers (default shows just running)")
        filter = Filters("f", "Filter output based on conditions provided")
        no_trunc = Boolean("", "Don't truncate output")

The attribute's name is the flag's, with dashes. After `parse`, each attribute holds its value
in its own type and `operands` the words that are no flags. A class may extend another's flags
(`run` has those of `create`). Rules and error texts are pflag's: `--name value`, `--name=value`,
`-n value`, `-nvalue`, `-n=value`, booleans joined as in `-it`, `--` ends the flags.

Flags that are numbers are in `number_flags`.

argparse would cost a tenth of a fast command's time, and reads `-it`, `-e=x` and `-p80:80`
otherwise than Docker's users write them.
"""

from wherry.errors import InvalidArgument, Unsupported, WherryError

TYPE_CHECKING = False  # typing is not imported at start-up; type checkers know this name
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Self


class UsageError(WherryError):
    """A command line that cannot be read; printed with the command's usage."""

    http_status = 400
    exit_code = 125


class HelpRequested(WherryError):
    """`--help` was among the flags."""

    exit_code = 0


class Syntax:
    """What a command takes besides its flags, and how its failures are numbered.

    `usage` follows the command's name in the help; `least` and `most` count the operands.
    """

    def __init__(
        self,
        usage: str,
        least: int = 0,
        most: int | None = 0,
        *,
        interspersed: bool = True,
        failure: int = 1,
        usage_status: int = UsageError.exit_code,
        description: str = "",
    ) -> None:
        self.usage = usage
        self.least = least
        self.most = most
        self.interspersed = interspersed  # whether flags may follow the first operand
        self.failure = failure  # exit code for an error that has none of its own
        self.usage_status = usage_status  # and for flags that cannot be read
        self.description = description  # longer than the summary in the command table


class Flag:
    """A flag: how it is named, described and read. The subclasses are its types."""

    type_name = "string"
    alone = ""  # what the flag means without a value; empty when it needs one
    empty: object = ""  # the default of a flag that names none

    def __init__(
        self,
        short: str,
        help: str,  # noqa: A002 - Docker's word for it
        *,
        default: str | int | None = None,
        default_text: str = "",
        type_name: str = "",
        check: "Callable[[str], str] | None" = None,
        hidden: bool = False,
        deprecated: str = "",
        unsupported: str = "",
    ) -> None:
        self.attribute = ""
        self.name = ""
        self.short = short
        self.help = help
        self.default = self.empty if default is None else default
        self.default_text = default_text  # as --help shows it, where it does
        self.type_name = type_name or self.type_name
        self.check = check  # refuses (ValueError) or rewrites a string
        self.hidden = hidden
        self.deprecated = deprecated  # the sentence that warns whoever uses it
        self.unsupported = unsupported  # why using it is refused

    def __set_name__(self, owner: "type[FlagSet]", attribute: str) -> None:
        self.attribute = attribute
        self.name = attribute.rstrip("_").replace("_", "-")

    def initial(self) -> object:
        """The value when the flag is not given."""
        return self.default

    def read(self, text: str) -> object:
        """The value that `text` stands for; ValueError says why it stands for none."""
        return self.check(text) if self.check else text

    @property
    def title(self) -> str:
        """The flag as pflag names it in an error."""
        return f"-{self.short}, --{self.name}" if self.short else f"--{self.name}"


class Boolean(Flag):
    """A switch: `--all`, `--all=false`."""

    type_name = ""
    alone = "true"
    empty: object = False

    def read(self, text: str) -> object:
        if text == self.alone:
            return True
        from wherry.cli.units import parse_bool  # few write `--all=false`

        return parse_bool(text)

    if TYPE_CHECKING:

        def __get__(self, flags: "FlagSet", owner: type) -> bool: ...


class String(Flag):
    """A flag with one value; the last one given counts."""

    if TYPE_CHECKING:

        def __get__(self, flags: "FlagSet", owner: type) -> str: ...


class Repeatable(Flag):
    """A flag whose values add up."""

    def joined(self, before: object, value: object) -> object:
        """What the flag holds once `value` is given after `before`."""
        raise NotImplementedError


class Strings(Repeatable):
    """A list of strings."""

    type_name = "list"
    empty: object = ()

    def joined(self, before: object, value: object) -> object:
        assert isinstance(before, tuple)
        return (*before, value)

    if TYPE_CHECKING:

        def __get__(self, flags: "FlagSet", owner: type) -> tuple[str, ...]: ...


class Mapping(Repeatable):
    """`KEY=VALUE` pairs; a key alone has an empty value."""

    type_name = "map"

    def initial(self) -> object:
        return {}

    def joined(self, before: object, value: object) -> object:
        assert isinstance(before, dict)
        assert isinstance(value, str)
        key, _, word = value.partition("=")
        return {**before, key: word}

    if TYPE_CHECKING:

        def __get__(self, flags: "FlagSet", owner: type) -> dict[str, str]: ...


class Filters(Repeatable):
    """`KEY=VALUE` pairs that select what is listed: the values given for each key."""

    type_name = "filter"

    def initial(self) -> object:
        return {}

    def read(self, text: str) -> object:
        if text and "=" not in text:
            raise ValueError("bad format of filter (expected name=value)")
        return text

    def joined(self, before: object, value: object) -> object:
        assert isinstance(before, dict)
        assert isinstance(value, str)
        if not value:
            return before
        key, _, word = value.partition("=")
        key = key.strip().lower()
        return {**before, key: (*before.get(key, ()), word.strip())}

    if TYPE_CHECKING:

        def __get__(self, flags: "FlagSet", owner: type) -> dict[str, tuple[str, ...]]: ...


class FlagSet:
    """The flags of one command; a subclass declares them, an instance holds their values."""

    def __init__(self) -> None:
        self.operands: list[str] = []
        self._given: set[str] = set()

    def given(self, attribute: str) -> bool:
        """Whether the flag was on the command line, with whatever value."""
        return attribute in self._given

    @property
    def given_names(self) -> frozenset[str]:
        """The attributes of all flags on the command line."""
        return frozenset(self._given)

    @classmethod
    def declared(cls) -> dict[str, Flag]:
        """The flags by name."""
        return {
            value.name: value
            for base in reversed(cls.__mro__)
            for value in vars(base).values()
            if isinstance(value, Flag)
        }

    @classmethod
    def parse(
        cls,
        words: "Sequence[str]",
        *,
        interspersed: bool = True,
        warn: "Callable[[str], None] | None" = None,
    ) -> "Self":
        """The values that `words` give; raises UsageError in pflag's words.

        `warn` receives the sentence about a flag that is deprecated.
        """
        flags = cls()
        _Reading(flags, warn).read(list(words), interspersed)
        return flags


class _Reading:
    """One pass over a command line."""

    def __init__(self, flags: FlagSet, warn: "Callable[[str], None] | None") -> None:
        self.flags = flags
        self.warn = warn
        self.by_name = flags.declared()
        self.by_short = {flag.short: flag for flag in self.by_name.values() if flag.short}
        flags.__dict__.update({flag.attribute: flag.initial() for flag in self.by_name.values()})

    def read(self, words: list[str], interspersed: bool) -> None:
        operands = self.flags.operands
        at = 0
        while at < len(words):
            word = words[at]
            at += 1
            if len(word) < 2 or word[0] != "-":
                operands.append(word)
                if not interspersed:
                    break
            elif word == "--":
                break
            elif word.startswith("--"):
                at = self._read_long(word, words, at)
            else:
                at = self._read_short(word, words, at)
        operands.extend(words[at:])

    def _read_long(self, word: str, words: list[str], at: int) -> int:
        name, equals, value = word[2:].partition("=")
        if not name or name[0] == "-":
            raise UsageError(f"bad flag syntax: {word}")
        flag = self.by_name.get(name)
        if flag is None:
            if name == "help":
                raise HelpRequested("")
            raise UsageError(f"unknown flag: --{name}")
        if not equals:
            if flag.alone:
                value = flag.alone
            elif at < len(words):
                value = words[at]
                at += 1
            else:
                raise UsageError(f"flag needs an argument: --{name}")
        self._take(flag, value)
        return at

    def _read_short(self, word: str, words: list[str], at: int) -> int:
        letters = word[1:]
        while letters:
            flag = self.by_short.get(letters[0])
            if flag is None:
                if letters[0] == "h":
                    self._warn("Flag shorthand -h has been deprecated, use --help")
                    raise HelpRequested("")
                raise UsageError(f"unknown shorthand flag: '{letters[0]}' in -{letters}")
            if len(letters) > 2 and letters[1] == "=":
                value, letters = letters[2:], ""
            elif flag.alone:
                value, letters = flag.alone, letters[1:]
            elif len(letters) > 1:
                value, letters = letters[1:], ""
            elif at < len(words):
                value, letters = words[at], ""
                at += 1
            else:
                raise UsageError(f"flag needs an argument: '{letters[0]}' in -{letters}")
            self._take(flag, value)
        return at

    def _take(self, flag: Flag, text: str) -> None:
        if flag.unsupported:
            raise Unsupported(f"--{flag.name} is not supported: {flag.unsupported}")
        values = self.flags.__dict__
        try:
            value = flag.read(text)
        except (ValueError, InvalidArgument) as error:
            from wherry.go_text import quoted  # for what is wrong

            message = f'invalid argument {quoted(text)} for "{flag.title}" flag: {error}'
            raise UsageError(message) from None
        if isinstance(flag, Repeatable):
            value = flag.joined(values[flag.attribute], value)
        values[flag.attribute] = value
        self.flags._given.add(flag.attribute)
        if flag.deprecated:
            self._warn(f"Flag --{flag.name} has been deprecated, {flag.deprecated}")

    def _warn(self, sentence: str) -> None:
        if self.warn is not None:
            self.warn(sentence)
