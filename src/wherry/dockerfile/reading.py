"""Statements into instructions: what the arguments of each keyword mean."""

from wherry.dockerfile.characters import BLANK, SPACE
from wherry.dockerfile.errors import Fault, with_suggestion
from wherry.dockerfile.exec_form import json_words
from wherry.dockerfile.flags import Flags, read_flags
from wherry.dockerfile.instructions import (
    INSTRUCTIONS,
    Add,
    Arg,
    Argument,
    Cmd,
    CommandLine,
    Copy,
    Entrypoint,
    Env,
    Expose,
    From,
    Instruction,
    Label,
    Maintainer,
    Onbuild,
    Pair,
    Run,
    Shell,
    Stopsignal,
    User,
    Volume,
    Workdir,
)
from wherry.dockerfile.splitting import split_blanks, split_command, split_quoted
from wherry.dockerfile.statement import Heredoc, LogicalLine, Statement, Word
from wherry.go_text import quoted
from wherry.lazy import regex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from wherry.dockerfile.heredocs import Mark

_STAGE_NAME = regex(r"[a-z][a-z0-9\-_.]*")
_BLANKS = regex(f"[{BLANK}]+")
_ONBUILD = regex(r"(?i)[\t\n\f\r ]*ONBUILD[\t\n\f\r ]*")
_NO_TRIGGERS = ("MAINTAINER", "FROM")


def read_instruction(statement: Statement, escape: str) -> Instruction:
    """The instruction that `statement` is; a Fault where it is none."""
    name = statement.keyword.text
    reader = _READERS.get(name.upper())
    if reader is None:
        message = with_suggestion(f"unknown instruction: {name}", name, INSTRUCTIONS, any_case=True)
        raise Fault(message, statement.keyword.span)
    return reader(statement, escape)


def _end(statement: Statement) -> int:
    return statement.start + len(statement.arguments.text)


def _json(statement: Statement) -> tuple[Word, ...] | None:
    return json_words(statement.line, statement.start, _end(statement))


def _list(statement: Statement) -> tuple[tuple[Word, ...], bool]:
    """JSON's strings, or the words between blanks; and whether it was JSON."""
    words = _json(statement)
    if words is not None:
        return words, True
    return tuple(split_blanks(statement.line, statement.start, _end(statement))), False


def _flags(name: str, statement: Statement) -> Flags:
    return read_flags(name, statement.flags)


def _at_least_one(name: str, statement: Statement) -> Fault:
    return Fault(f"{name} requires at least one argument", statement.keyword.span)


def _only(name: str, statement: Statement) -> Word:
    """All arguments as one word, in which blanks may stand."""
    if not statement.arguments.text:
        raise Fault(f"{name} requires exactly one argument", statement.keyword.span)
    _flags(name, statement)
    return statement.arguments


def _command(statement: Statement) -> CommandLine:
    words = _json(statement)
    if words is not None:
        return CommandLine(words, is_exec=True)
    text = statement.arguments
    return CommandLine((text,) if text.text else (), is_exec=False)


def _from(statement: Statement, escape: str) -> From:
    del escape
    words = split_blanks(statement.line, statement.start, _end(statement))
    alias = as_keyword = None
    if len(words) == 3 and words[1].text.lower() == "as":
        as_keyword, alias = words[1], words[2]
        if not _STAGE_NAME.fullmatch(alias.text.lower()):
            raise Fault(
                f"invalid name for build stage: {quoted(alias.text)}, "
                "name can't start with a number or contain symbols",
                alias.span,
            )
    elif len(words) != 1:
        raise Fault(
            "FROM requires either one or three arguments",
            statement.arguments.span if words else statement.keyword.span,
        )
    flags = _flags("FROM", statement)
    return From(
        statement=statement,
        image=words[0],
        alias=alias,
        as_keyword=as_keyword,
        platform=flags.text("platform"),
    )


def _arg(statement: Statement, escape: str) -> Arg:
    places = split_quoted(statement.line.text, statement.start, _end(statement), escape)
    if not places:
        raise _at_least_one("ARG", statement)
    _flags("ARG", statement)
    return Arg(
        statement=statement,
        arguments=tuple(_argument(statement, start, end) for start, end in places),
    )


def _argument(statement: Statement, start: int, end: int) -> Argument:
    name, default = _halves(statement.line, start, end)
    if default is not None and not name.text:
        raise Fault("ARG names can not be blank", statement.line.span(start, end))
    described = (
        comment.text.removeprefix(name.text + " ")
        for comment in statement.comments
        if comment.text.startswith(name.text + " ")
    )
    return Argument(name, default, next(described, ""))


def _halves(line: LogicalLine, start: int, end: int) -> tuple[Word, Word | None]:
    """What stands before and behind the first equals sign."""
    equals = line.text.find("=", start, end)
    if equals < 0:
        return line.word(start, end), None
    return line.word(start, equals), line.word(equals + 1, end)


def _pairs(name: str, statement: Statement, escape: str) -> tuple[Pair, ...]:
    """`name=value ...`, or the old `name value`."""
    line = statement.line
    places = split_quoted(line.text, statement.start, _end(statement), escape)
    if places and line.text.find("=", *places[0]) < 0:
        pairs = [_legacy_pair(name, statement)]
    else:
        pairs = [_pair(line, start, end) for start, end in places]
    _flags(name, statement)
    if not pairs:
        raise _at_least_one(name, statement)
    for pair in pairs:
        if not pair.name.text:
            raise Fault(f"{name} names can not be blank", pair.name.span)
    return tuple(pairs)


def _pair(line: LogicalLine, start: int, end: int) -> Pair:
    name, value = _halves(line, start, end)
    if value is None:
        raise Fault(
            f"Syntax error - can't find = in {quoted(name.text)}. Must be of the form: name=value",
            name.span,
            prefixed=False,
        )
    return Pair(name, value)


def _legacy_pair(name: str, statement: Statement) -> Pair:
    start, end = statement.start, _end(statement)
    blanks = _BLANKS.search(statement.line.text, start, end)
    if blanks is None:
        raise Fault(f"{name} must have two arguments", statement.arguments.span, prefixed=False)
    line = statement.line
    return Pair(line.word(start, blanks.start()), line.word(blanks.end(), end), legacy=True)


def _env(statement: Statement, escape: str) -> Env:
    return Env(statement=statement, pairs=_pairs("ENV", statement, escape))


def _label(statement: Statement, escape: str) -> Label:
    return Label(statement=statement, pairs=_pairs("LABEL", statement, escape))


def _run(statement: Statement, escape: str) -> Run:
    flags = _flags("RUN", statement)
    network, security = flags.text("network"), flags.text("security")
    instruction = Run(
        statement=statement,
        command=_command(statement),
        files=statement.heredocs,
        mounts=flags.all("mount"),
        devices=flags.all("device"),
        network=network.text if network else "default",
        security=security.text if security else "sandbox",
    )
    if statement.flags:
        from wherry.dockerfile.reading_run import check_run  # mounts, which most files have none of

        check_run(instruction, network, security, escape)
    return instruction


def _mark(word: str) -> "Mark | None":
    if "<<" not in word:
        return None
    from wherry.dockerfile.heredocs import mark_or_none  # few files have any

    return mark_or_none(word)


def _transfer(
    name: str, statement: Statement
) -> tuple[tuple[Word, ...], tuple[Heredoc, ...], Word, bool, Flags]:
    words, is_json = _list(statement)
    if len(words) < 2:
        raise Fault(
            f"{name} requires at least two arguments, but only one was provided. "
            "Destination could not be determined",
            statement.arguments.span if words else statement.keyword.span,
        )
    flags = _flags(name, statement)
    destination = words[-1]
    if _mark(destination.text):
        raise Fault(f"{name} cannot accept a heredoc as a destination", destination.span)
    bodies = {heredoc.name: heredoc for heredoc in statement.heredocs}
    sources: list[Word] = []
    files: list[Heredoc] = []
    for word in words[:-1]:
        mark = _mark(word.text)
        if mark is None:
            sources.append(word)
        else:
            files.append(bodies.get(mark.name) or Heredoc(mark.name, "", mark.expand))
    return tuple(sources), tuple(files), destination, is_json, flags


def _copy(statement: Statement, escape: str) -> Copy:
    del escape
    sources, files, destination, is_json, flags = _transfer("COPY", statement)
    return Copy(
        statement=statement,
        sources=sources,
        files=files,
        destination=destination,
        is_json=is_json,
        chown=flags.text("chown"),
        chmod=flags.text("chmod"),
        link=flags.truth("link") or False,
        exclude=flags.all("exclude"),
        from_=flags.text("from"),
        parents=flags.truth("parents") or False,
    )


def _add(statement: Statement, escape: str) -> Add:
    del escape
    sources, files, destination, is_json, flags = _transfer("ADD", statement)
    return Add(
        statement=statement,
        sources=sources,
        files=files,
        destination=destination,
        is_json=is_json,
        chown=flags.text("chown"),
        chmod=flags.text("chmod"),
        link=flags.truth("link") or False,
        exclude=flags.all("exclude"),
        checksum=flags.text("checksum"),
        keep_git_dir=flags.truth("keep-git-dir"),
        unpack=flags.truth("unpack"),
    )


def _expose(statement: Statement, escape: str) -> Expose:
    del escape
    words = split_blanks(statement.line, statement.start, _end(statement))
    if not words:
        raise _at_least_one("EXPOSE", statement)
    _flags("EXPOSE", statement)
    return Expose(statement=statement, ports=tuple(words))


def _volume(statement: Statement, escape: str) -> Volume:
    del escape
    words, is_json = _list(statement)
    if not words:
        raise _at_least_one("VOLUME", statement)
    _flags("VOLUME", statement)
    paths = tuple(Word(word.text.strip(SPACE), word.span) for word in words)
    for path in paths:
        if not path.text:
            raise Fault("VOLUME specified can not be an empty string", path.span)
    return Volume(statement=statement, paths=paths, is_json=is_json)


def _shell(statement: Statement, escape: str) -> Shell:
    del escape
    _flags("SHELL", statement)
    command = _command(statement)
    if not command.words:
        raise _at_least_one("SHELL", statement)
    if not command.is_exec:
        raise Fault("SHELL requires the arguments to be in JSON form", statement.arguments.span)
    return Shell(statement=statement, words=command.words)


def _cmd(statement: Statement, escape: str) -> Cmd:
    del escape
    _flags("CMD", statement)
    return Cmd(statement=statement, command=_command(statement))


def _entrypoint(statement: Statement, escape: str) -> Entrypoint:
    del escape
    _flags("ENTRYPOINT", statement)
    return Entrypoint(statement=statement, command=_command(statement))


def _user(statement: Statement, escape: str) -> User:
    del escape
    return User(statement=statement, user=_only("USER", statement))


def _workdir(statement: Statement, escape: str) -> Workdir:
    del escape
    return Workdir(statement=statement, path=_only("WORKDIR", statement))


def _stopsignal(statement: Statement, escape: str) -> Stopsignal:
    del escape
    return Stopsignal(statement=statement, signal=_only("STOPSIGNAL", statement))


def _maintainer(statement: Statement, escape: str) -> Maintainer:
    del escape
    return Maintainer(statement=statement, name=_only("MAINTAINER", statement))


def _onbuild(statement: Statement, escape: str) -> Onbuild:
    if not statement.arguments.text:
        raise _at_least_one("ONBUILD", statement)
    _flags("ONBUILD", statement)
    line = statement.line
    keyword, flags, start, end = split_command(line, statement.start, escape)
    name = keyword.text.upper()
    if name == "ONBUILD":
        raise Fault("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed", keyword.span)
    if name in _NO_TRIGGERS:
        raise Fault(f"{name} isn't allowed as an ONBUILD trigger", keyword.span)
    inner = Statement(
        keyword=keyword,
        flags=flags,
        arguments=line.word(start, end),
        start=start,
        line=line,
        span=type(statement.span)(keyword.span.start, statement.span.end),
        comments=statement.comments,
        heredocs=statement.heredocs,
    )
    try:
        trigger = read_instruction(inner, escape)
    except Fault as fault:
        if not fault.prefixed:
            raise
        trigger = None  # BuildKit leaves it to the build that meets it
    expression = _ONBUILD.sub("", line.text, count=1)
    for heredoc in statement.heredocs:
        expression += f"\n{heredoc.content}{heredoc.name}"
    return Onbuild(statement=statement, expression=expression, trigger=trigger)


def _healthcheck(statement: Statement, escape: str) -> Instruction:
    # Lengths of time are read with decimal, which takes 2 ms to load.
    from wherry.dockerfile.reading_healthcheck import read_healthcheck

    del escape
    return read_healthcheck(statement)


_READERS: "dict[str, Callable[[Statement, str], Instruction]]" = {
    "ADD": _add,
    "ARG": _arg,
    "CMD": _cmd,
    "COPY": _copy,
    "ENTRYPOINT": _entrypoint,
    "ENV": _env,
    "EXPOSE": _expose,
    "FROM": _from,
    "HEALTHCHECK": _healthcheck,
    "LABEL": _label,
    "MAINTAINER": _maintainer,
    "ONBUILD": _onbuild,
    "RUN": _run,
    "SHELL": _shell,
    "STOPSIGNAL": _stopsignal,
    "USER": _user,
    "VOLUME": _volume,
    "WORKDIR": _workdir,
}
