"""A Dockerfile back into text: as it was, in its normal form, or with edits."""

import json
from collections.abc import Iterable, Iterator

from wherry.dockerfile.characters import SPACE
from wherry.dockerfile.directives import read_directive
from wherry.dockerfile.dockerfile import Blank, Dockerfile, Item
from wherry.dockerfile.instructions import (
    Add,
    Arg,
    Cmd,
    CommandLine,
    Copy,
    Entrypoint,
    Env,
    Expose,
    From,
    Healthcheck,
    Instruction,
    Label,
    Run,
    Shell,
    Volume,
)
from wherry.dockerfile.source import Source, Span
from wherry.dockerfile.splitting import split_blanks
from wherry.dockerfile.statement import Comment, Flag, Statement, Word


def print_exactly(source: Source, items: Iterable[Item]) -> str:
    """The text of `items`, each with the blanks and line ends around it."""
    parts: list[str] = []
    at = 0
    for item in items:
        end = source.text.find(
            "\n", item.span.end - 1 if isinstance(item, Blank) else item.span.end
        )
        end = len(source.text) if end < 0 else end + 1
        parts.append(source.text[at:end])
        at = end
    return "".join(parts) or source.text  # a byte order mark may be all there is


def rewrite(source: Source, edits: Iterable[tuple[Span, str]]) -> str:
    """The text with each span replaced; spans must not overlap."""
    parts: list[str] = []
    at = 0
    for span, replacement in sorted(edits):
        if span.start < at:
            raise ValueError(f"edits overlap at {source.position(span.start)}")
        parts += [source.text[at : span.start], replacement]
        at = span.end
    return "".join(parts) + source.text[at:]


def print_normally(dockerfile: Dockerfile) -> str:
    """One instruction a line, keywords in capitals, single blanks, comments kept above.

    What is printed so reads as the same instructions.
    """
    lines = [f"# {item.name}={item.value}" for item in dockerfile.directives]
    at_the_top = True
    instructions = {id(item.statement): item for item in dockerfile.instructions}
    for item in dockerfile.items:
        comments: tuple[Comment, ...] = ()
        if isinstance(item, Comment):
            comments = (item,)
        elif isinstance(item, Statement):
            comments = item.inner_comments
        elif isinstance(item, Blank) and lines and lines[-1]:
            lines.append("")
            at_the_top = False
        for comment in comments:
            if at_the_top and read_directive(f"# {comment.text}") is not None:
                lines.append("")  # so that it stays a comment
            at_the_top = False
            lines.append(f"# {comment.text}".rstrip())
        if isinstance(item, Statement) and id(item) in instructions:
            at_the_top = False
            lines.append(print_instruction(instructions[id(item)], dockerfile.escape))
    return "\n".join(lines).rstrip("\n") + "\n"


def print_instruction(instruction: Instruction, escape: str = "\\") -> str:
    """The instruction on one line, and its heredocs below."""
    flags = [_flag(flag, escape) for flag in instruction.statement.flags]
    arguments = " ".join(_arguments(instruction))
    if arguments.startswith("--"):
        flags.append("--")
    line = " ".join([instruction.NAME, *flags, arguments])
    if line.endswith(escape) and not line.endswith(escape * 2):
        # It continued nothing, and would now: a blank of another kind keeps it from that.
        line += "\f"
    for heredoc in instruction.statement.heredocs:
        line += f"\n{heredoc.content}{heredoc.name}"
    return line


def _flag(flag: Flag, escape: str) -> str:
    if flag.value is None:
        return f"--{flag.name}"
    special = "'\"" + escape + SPACE
    if not any(character in special for character in flag.value):
        return f"--{flag.name}={flag.value}"
    value = flag.value.replace(escape, escape * 2).replace('"', f'{escape}"')
    return f'--{flag.name}="{value}"'


def _arguments(instruction: Instruction) -> Iterator[str]:
    match instruction:
        case Arg(arguments=arguments):
            for item in arguments:
                yield item.name.text if item.default is None else f"{item.name}={item.default}"
        case Env(pairs=pairs) | Label(pairs=pairs):
            for pair in pairs:
                yield f"{pair.name}{' ' if pair.legacy else '='}{pair.value}"
        case Run(command=command) | Cmd(command=command) | Entrypoint(command=command):
            yield _command(command)
        case Healthcheck(command=command):
            yield f"CMD {_command(command)}" if command else "NONE"
        case Shell(words=words):
            yield _json(words)
        case Volume(paths=words, is_json=True):
            yield _json(words)
        case Copy(is_json=True) | Add(is_json=True):
            yield _json((*instruction.sources, instruction.destination))
        case Volume() | From() | Expose() | Copy() | Add():
            line, start = instruction.statement.line, instruction.statement.start
            end = start + len(instruction.statement.arguments.text)
            yield from (word.text for word in split_blanks(line, start, end))
        case _:
            yield instruction.statement.arguments.text


def _command(command: CommandLine) -> str:
    if command.is_exec:
        return _json(command.words)
    return " ".join(command.texts)


def _json(words: Iterable[Word]) -> str:
    return json.dumps([word.text for word in words], ensure_ascii=False)
