"""The shell's language inside RUN: which commands a script runs, with which words.

    apt-get -y install "curl=$V" | tee log

    Command(name="apt-get", words="-y install curl=$V")  Command(name="tee", words="log")

The grammar is tree-sitter's for bash. A word is what the shell would see, quotes and backslashes
gone, variables as they are written. A script that is no shell's has no commands: nothing can be
said about it.
"""

from wherry.lazy import cached_property, regex
from wherry.lint.grammar import parse
from wherry.values import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

UNKNOWN = "${VAR}"
_ESCAPED = regex(r"(?s)\\(.)")
_ESCAPED_IN_QUOTES = regex(r"\\([\\\"$`])")
_PLAIN = (*("word", "number", "special_character", "string_content", "regex", "extglob_pattern"),)
_EXPANSIONS = (
    *("simple_expansion", "expansion", "command_substitution", "arithmetic_expansion"),
    "process_substitution",
)
_CLOSED_TWICE = regex(
    rb"(\b(?:done|fi|esac)|(?<=[\s;])\})[ \t\n](?=[ \t\n]*(?:done|fi|esac|else|elif|\})(?!\w))"
)
_ONLY_COMMENT = regex(rb"`[ \t]*#[^`]*`")
_TWO_SUBSHELLS = regex(rb"(?<!\$)\((\([^()]*\))\)")
_NO_EXPANSION = regex(rb"\$(?=[/|,.:;%+=~^)\s]|$)")
_TIME = regex(rb"time[ \t]+(?:-p[ \t]+)?(?:--[ \t]+)?(?=[^\s;&|)])")
_NAME = regex(r"(?a)[A-Za-z_]\w*")
_COMMANDS = ("command", "declaration_command", "unset_command")


@dataclass(frozen=True, slots=True)
class Word:
    """An argument as the command gets it; `start` and `end` are characters of the script."""

    text: str
    start: int
    end: int
    variables: tuple[str, ...] = ()
    """What in it only a running shell knows: `$NAME`, `${NAME}` and the rest, as in the text."""

    @property
    def is_flag(self) -> bool:
        return self.text.startswith("-")

    @property
    def is_known(self) -> bool:
        return not self.variables


@dataclass(frozen=True)
class Command:
    """A program or a builtin of the shell, called."""

    name: str
    words: tuple[Word, ...]
    start: int
    end: int
    name_end: int

    @cached_property
    def texts(self) -> tuple[str, ...]:
        return tuple(word.text for word in self.words)

    @cached_property
    def flags(self) -> tuple[str, ...]:
        """The names of flags: `-yq` has y and q, `--quiet=2` has quiet."""
        found: list[str] = []
        for text in self.texts:
            found += flag_names(text)
        return tuple(found)

    def has_any(self, *texts: str) -> bool:
        """Whether one of its words is one of `texts`."""
        return any(text in texts for text in self.texts)

    def has_flag(self, *names: str) -> bool:
        return any(flag in names for flag in self.flags)

    def has_words_in_order(self, *texts: str) -> bool:
        """Whether `texts` are among its words, one right behind the other."""
        count = len(texts)
        return any(self.texts[at : at + count] == texts for at in range(len(self.texts)))

    def operands(self, *flags_with_value: str) -> list[Word]:
        """The words that are no flags, nor the values behind these flags."""
        found: list[Word] = []
        skip = False
        for word in self.words:
            if word.is_flag:
                names = flag_names(word.text)
                skip = "=" not in word.text and any(name in flags_with_value for name in names)
            elif skip:
                skip = False
            else:
                found.append(word)
        return found


def flag_names(text: str) -> list[str]:
    """The flags that a word stands for; none if it is none."""
    if text in ("-", "--"):
        return []
    if text.startswith("--"):
        return [text[2:].partition("=")[0]]
    if text.startswith("-"):
        return list(text[1:].partition("=")[0])
    return []


@dataclass(frozen=True)
class Assignment:
    """`name=value`, in front of a command or alone."""

    name: str
    value: str


@dataclass(frozen=True)
class Script:
    """What a shell would do; `is_sound` unless it could not even read it."""

    commands: tuple[Command, ...] = ()
    has_pipe: bool = False
    assignments: tuple[Assignment, ...] = ()
    is_sound: bool = True
    pipelines: tuple[tuple[str, ...], ...] = ()
    """The programs of each pipe; "" for what is no simple command."""

    def uses(self, *names: str) -> bool:
        return any(command.name in names for command in self.commands)

    def calls(self, *names: str) -> "Iterator[Command]":
        return (command for command in self.commands if command.name in names)


NO_SCRIPT = Script(is_sound=False)


def read_script(text: str) -> Script:
    """The commands of `text`, those in conditions, functions and substitutions too."""
    return _plain_script(text) or parsed_script(text)


# What a shell reads in one way only: words that it leaves as they are, `&&`, `||` and `;`.
_NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./")
_PLAIN_CHARACTERS = _NAME_CHARACTERS | frozenset(":,+@=* \t&|;")
_NO_NAMES = (
    *("if", "then", "else", "elif", "fi", "do", "done", "case", "esac", "while", "until", "for"),
    *("in", "function", "select", "time", "coproc", "declare", "typeset", "export", "readonly"),
    *("local", "unset", "unsetenv"),
)


def _plain_script(text: str) -> Script | None:
    """The commands of a script that needs no grammar, which takes 4 ms to load; else None."""
    if not _PLAIN_CHARACTERS.issuperset(text):
        return None
    commands: list[Command] = []
    words: list[Word] = []
    at, end = 0, len(text)
    is_open = True  # whether a command must follow
    while at < end:
        character = text[at]
        if character in " \t":
            at += 1
        elif character not in "&|;":
            start = at
            while at < end and text[at] not in " \t&|;":
                at += 1
            words.append(Word(text[start:at], start, at))
        else:
            operator = text[at : at + 2] if character != ";" else ";"
            at += len(operator)
            if operator not in ("&&", "||", ";") or text[at : at + 1] in ("&", "|", ";"):
                return None
            if not words or not _may_be_name(words[0].text):
                return None
            commands.append(_plain_command(words))
            words, is_open = [], operator != ";"
    if words and _may_be_name(words[0].text):
        commands.append(_plain_command(words))
    elif words or is_open:
        return None
    return Script(tuple(commands))


def _may_be_name(word: str) -> bool:
    begins_well = word[0].isalpha() or word[0] in "/."
    return begins_well and _NAME_CHARACTERS.issuperset(word) and word not in _NO_NAMES


def _plain_command(words: list[Word]) -> Command:
    name, rest = words[0], tuple(words[1:])
    return _without_wrapper(Command(name.text, rest, name.start, words[-1].end, name.end))


def parsed_script(text: str) -> Script:
    """The same of any script, by the grammar."""
    data = text.encode("utf-8", "surrogateescape")
    root = parse(data)
    if root.has_error:
        root = parse(_clarified(data))
        if root.has_error:
            return NO_SCRIPT
    timers: list[Command] = []
    if b"time" in data:
        data, timers = _without_time(root, text, data)
        root = parse(data) if timers else root
    reader = _Reader(text, data)
    commands = timers
    assignments: list[Assignment] = []
    pipelines: list[tuple[str, ...]] = []
    # A walk over all nodes: a query of tree-sitter's does the same, but takes 5 ms to be made.
    waiting = [root]
    while waiting:
        node = waiting.pop()
        kind = node.type
        if kind in _COMMANDS:
            commands.append(reader.command(node))
        elif kind == "variable_assignment":
            assignments.append(reader.assignment(node))
        elif kind == "pipeline":
            pipelines.append(tuple(reader.program(child) for child in node.named_children))
        if node.named_child_count:
            waiting += reversed(node.named_children)
    commands.sort(key=lambda command: command.start)
    return Script(
        tuple(command for command in commands if command.name),
        bool(pipelines),
        tuple(assignments),
        pipelines=tuple(pipelines),
    )


def _without_time(root: "Node", text: str, data: bytes) -> tuple[bytes, list[Command]]:
    """As many bytes without `time`, a keyword that the grammar takes for a program; and those."""
    timers: list[Command] = []
    waiting = [root]
    while waiting:
        node = waiting.pop()
        timed = _TIME.match(data, node.start_byte) if node.type == "command_name" else None
        if timed is not None:
            start, end = (_Reader(text, data).at(byte) for byte in timed.span())
            timers.append(Command("time", (), start, end, start + len("time")))
            data = data[: timed.start()] + b" " * len(timed[0]) + data[timed.end() :]
        waiting += node.named_children
    return data, timers


def _clarified(data: bytes) -> bytes:
    """As many bytes that say the same, without what shells allow and the grammar misses."""
    data = _CLOSED_TWICE.sub(rb"\1;", data)  # no semicolon between `fi done`, `} else`
    data = _ONLY_COMMENT.sub(lambda match: b"$_".ljust(len(match[0])), data)
    data = _TWO_SUBSHELLS.sub(lambda match: b" " + match[1] + b" ", data)  # ((cat x | y))
    return _NO_EXPANSION.sub(b"_", data)  # s/a$/b/


class _Reader:
    """Words of one script."""

    def __init__(self, text: str, data: bytes) -> None:
        self.data = data
        self.is_ascii = len(text) == len(data)

    def at(self, byte: int) -> int:
        """The character at `byte`."""
        return byte if self.is_ascii else len(self.data[:byte].decode("utf-8", "replace"))

    def raw(self, node: "Node") -> str:
        return self.data[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def command(self, node: "Node") -> Command:
        name = ""
        name_start = name_end = node.start_byte
        words: list[Word] = []
        end = node.end_byte
        first = True
        if node.type != "command":
            keyword = node.children[0]
            name, name_end, first = self.raw(keyword), keyword.end_byte, False
            children = node.named_children
        else:
            children = node.named_children
        for child in children:
            if child.type == "command_name":
                name, name_start, name_end = self.text(child)[0], child.start_byte, child.end_byte
                first = False
            elif child.type == "variable_assignment" and first:
                continue
            elif "redirect" in child.type:
                words += self._behind(child)
            else:
                word = self.word(child)
                if words and words[-1].end == word.start:
                    word = _one_word(words.pop(), word)
                words.append(word)
        parent = node.parent
        if parent is not None and parent.type == "redirected_statement":
            for sibling in parent.named_children[1:]:
                words += self._behind(sibling)
        command = Command(name, tuple(words), self.at(name_start), self.at(end), self.at(name_end))
        return _without_wrapper(command)

    def program(self, node: "Node") -> str:
        """What a member of a pipe runs; "" if it is no simple command."""
        if node.type == "redirected_statement" and node.named_children:
            node = node.named_children[0]
        return self.command(node).name if node.type == "command" else ""

    def _behind(self, redirect: "Node") -> list[Word]:
        """The grammar takes words behind a redirection for further files; a shell does not."""
        if redirect.type != "file_redirect":
            return []
        return [self.word(child) for child in redirect.children_by_field_name("destination")[1:]]

    def word(self, node: "Node") -> Word:
        text, variables = self.text(node)
        return Word(text, self.at(node.start_byte), self.at(node.end_byte), tuple(variables))

    def assignment(self, node: "Node") -> Assignment:
        name = node.child_by_field_name("name")
        value = node.child_by_field_name("value")
        return Assignment(
            self.raw(name) if name else "", self.text(value)[0] if value is not None else ""
        )

    def text(self, node: "Node") -> tuple[str, list[str]]:
        """A word without its quotes, and the variables in it."""
        kind = node.type
        if kind in _PLAIN:
            raw = self.raw(node)
            if "\\" in raw:
                pattern = _ESCAPED_IN_QUOTES if kind == "string_content" else _ESCAPED
                raw = pattern.sub(r"\1", raw)
            return raw, []
        if kind in ("raw_string", "ansi_c_string"):
            raw = self.raw(node)
            return raw[raw.index("'") + 1 : -1], []
        if kind in _EXPANSIONS:
            raw = self.raw(node)
            if kind == "process_substitution" or raw.startswith(("`", "$((")):
                raw = UNKNOWN
            return raw, [raw]
        if kind in ("command_name", "concatenation", "string", "translated_string", "array"):
            return self._joined(node, quoted=kind in ("string", "translated_string"))
        return self.raw(node), []

    def _joined(self, node: "Node", *, quoted: bool) -> tuple[str, list[str]]:
        parts: list[str] = []
        variables: list[str] = []
        at = node.start_byte + quoted
        for child in node.named_children:
            # Blanks between expansions in quotes are no node of their own.
            parts.append(self.data[at : child.start_byte].decode("utf-8", "replace"))
            text, names = self.text(child)
            parts.append(text)
            variables += names
            at = child.end_byte
        parts.append(self.data[at : node.end_byte - quoted].decode("utf-8", "replace"))
        return "".join(parts), variables


def _one_word(first: Word, rest: Word) -> Word:
    """The grammar takes `a-$B.c` for two words: `a-$` and `B.c`."""
    name = _NAME.match(rest.text) if first.text.endswith("$") else None
    variables = (*first.variables, *([f"${name[0]}"] if name else ()), *rest.variables)
    return Word(first.text + rest.text, first.start, rest.end, variables)


_WRAPPERS = ("command", "exec", "builtin", "busybox")


def _without_wrapper(command: Command) -> Command:
    """`exec x y` runs x."""
    if command.name not in _WRAPPERS:
        return command
    rest = list(command.words)
    while rest and rest[0].is_flag:
        rest.pop(0)
    if not rest:
        return command
    return Command(rest[0].text, tuple(rest[1:]), rest[0].start, command.end, rest[0].end)
