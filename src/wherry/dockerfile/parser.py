"""A Dockerfile's text, or its bytes, into its stages and instructions."""

from wherry.dockerfile.dockerfile import Directive, Dockerfile, Remark, Stage
from wherry.dockerfile.errors import Fault, InvalidDockerfile, Problem
from wherry.dockerfile.exec_form import looks_like_json
from wherry.dockerfile.instructions import (
    Arg,
    Cmd,
    Entrypoint,
    From,
    Healthcheck,
    Instruction,
    Run,
)
from wherry.dockerfile.lines import Lexed, lex
from wherry.dockerfile.reading import read_instruction
from wherry.dockerfile.source import Source, Span
from wherry.dockerfile.statement import Statement
from wherry.errors import InvalidArgument

LARGEST = 4 << 20  # bytes


class UnreadableDockerfile(InvalidArgument):
    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name}: {problem}")


def decode(data: bytes, name: str = "Dockerfile") -> Source:
    """The text of `data`: UTF-8, of a size somebody may have written."""
    if len(data) > LARGEST:
        raise UnreadableDockerfile(name, f"larger than {LARGEST} bytes")
    try:
        return Source(data.decode(), name)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        raise UnreadableDockerfile(
            name, f"line {line}, column {column}: not valid UTF-8 (byte 0x{data[error.start]:02x})"
        ) from error


def parse(text: str | bytes, name: str = "Dockerfile") -> Dockerfile:
    """The Dockerfile that `text` is; InvalidDockerfile with everything that is wrong in it."""
    source = decode(text, name) if isinstance(text, bytes) else Source(text, name)
    dockerfile, problems = parse_leniently(source)
    if problems:
        raise InvalidDockerfile(source, problems)
    return dockerfile


def parse_leniently(source: Source) -> tuple[Dockerfile, tuple[Problem, ...]]:
    """What can be read of `source`, and what is wrong in it: for linters and editors."""
    lexed = lex(source)
    problems = list(lexed.problems)
    instructions: list[Instruction] = []
    statements = [item for item in lexed.items if isinstance(item, Statement)]
    for statement in statements:
        try:
            instructions.append(read_instruction(statement, lexed.escape))
        except Fault as fault:
            problems.append(Problem(fault.message, fault.span or statement.span, fault.prefixed))
    if not statements and not problems:
        end = len(source.text)
        problems.append(Problem("file with no instructions", Span(end, end), prefixed=False))
    global_args, stages = _stages(instructions, problems)
    dockerfile = Dockerfile(
        directives=tuple(item for item in lexed.items if isinstance(item, Directive)),
        global_args=global_args,
        stages=stages,
        escape=lexed.escape,
        source=source,
        items=tuple(lexed.items),
        warnings=_warnings(lexed, instructions),
    )
    return dockerfile, tuple(sorted(problems, key=lambda problem: problem.span))


def parse_trigger(expression: str, escape: str = "\\") -> Instruction:
    """The instruction of an ONBUILD of a base image; InvalidDockerfile if it is none."""
    source = Source(expression, "ONBUILD")
    lexed = lex(source)
    statements = [item for item in lexed.items if isinstance(item, Statement)]
    problems = list(lexed.problems)
    if not problems and len(statements) == 1:
        try:
            return read_instruction(statements[0], escape)
        except Fault as fault:
            problems.append(
                Problem(fault.message, fault.span or statements[0].span, fault.prefixed)
            )
    elif not problems:
        problems.append(
            Problem(
                "onbuild trigger should be a single expression",
                Span(0, len(expression)),
                prefixed=False,
            )
        )
    raise InvalidDockerfile(source, problems)


def _stages(
    instructions: list[Instruction], problems: list[Problem]
) -> tuple[tuple[Arg, ...], tuple[Stage, ...]]:
    global_args: list[Arg] = []
    stages: list[tuple[From, list[Instruction]]] = []
    told = False
    for instruction in instructions:
        if isinstance(instruction, From):
            stages.append((instruction, []))
        elif stages:
            stages[-1][1].append(instruction)
        elif isinstance(instruction, Arg):
            global_args.append(instruction)
        elif not told and not problems:
            # Once: with a FROM in front, all that follows would be right. And not behind other
            # faults, of which one may be that FROM.
            told = True
            problems.append(
                Problem(
                    "no build stage in current context", instruction.keyword.span, prefixed=False
                )
            )
    return tuple(global_args), tuple(
        Stage(index, base, tuple(body)) for index, (base, body) in enumerate(stages)
    )


def _warnings(lexed: Lexed, instructions: list[Instruction]) -> tuple[Remark, ...]:
    remarks = list(lexed.warnings)
    for instruction in instructions:
        if not isinstance(instruction, Run | Cmd | Entrypoint | Healthcheck):
            continue
        command = instruction.command
        if command and not command.is_exec and command.words:
            word = command.words[0]
            if looks_like_json(word.text):
                remarks.append(
                    Remark(
                        "",
                        f"{instruction.NAME} is not a JSON array of strings, "
                        "so a shell gets it as it is",
                        word.span,
                    )
                )
    return tuple(sorted(remarks, key=lambda remark: remark.span))
