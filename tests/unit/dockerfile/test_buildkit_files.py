"""BuildKit's own test files, read where a checkout of it is at hand.

WHERRY_BUILDKIT names its folder frontend/dockerfile; without it these tests are skipped, and
the tables of the other tests in this folder hold the same facts.
"""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from wherry.dockerfile.errors import Fault, InvalidDockerfile
from wherry.dockerfile.instructions import Onbuild
from wherry.dockerfile.lines import lex
from wherry.dockerfile.parser import decode, parse
from wherry.dockerfile.printing import print_exactly
from wherry.dockerfile.reading import read_instruction
from wherry.dockerfile.statement import Statement
from wherry.dockerfile.words import Expander, InvalidWord
from wherry.go_text import quoted
from wherry.testing.dockerfiles import words_of

ROOT = os.environ.get("WHERRY_BUILDKIT")

pytestmark = pytest.mark.skipif(ROOT is None, reason="WHERRY_BUILDKIT names no checkout")
FOLDER = Path(ROOT or "/nowhere")


def dump(statement: Statement, escape: str) -> str:
    """The statement as BuildKit's dumper prints it."""
    parts = [statement.keyword.text.lower()]
    if statement.flags:
        flags = (
            f"--{flag.name}" + ("" if flag.value is None else f"={flag.value}")
            for flag in statement.flags
        )
        parts.append("[" + " ".join(quoted(flag) for flag in flags) + "]")
    try:
        # Its parser looks at no flag: which there are is for the next step.
        instruction = read_instruction(replace(statement, flags=()), escape)
    except Fault:
        # Nor does it look at what HEALTHCHECK is followed by.
        kind, _, rest = statement.arguments.text.partition(" ")
        return " ".join([*parts, *(quoted(word) for word in (kind, rest) if word)])
    if isinstance(instruction, Onbuild):
        assert instruction.trigger is not None
        return f"{parts[0]} ({dump(instruction.trigger.statement, escape)})"
    return " ".join([*parts, *(quoted(word) for word in words_of(instruction))])


@pytest.mark.parametrize(
    "folder", sorted(FOLDER.glob("parser/testfiles/*")), ids=lambda folder: folder.name
)
def test_a_file_means_what_it_means_to_buildkit(folder: Path) -> None:
    source = decode((folder / "Dockerfile").read_bytes())
    lexed = lex(source)
    dumps = [f"({dump(item, lexed.escape)})" for item in lexed.items if isinstance(item, Statement)]
    assert "\n".join(dumps) == (folder / "result").read_text().strip()


@pytest.mark.parametrize(
    "folder", sorted(FOLDER.glob("parser/testfiles-negative/*")), ids=lambda folder: folder.name
)
def test_a_file_that_buildkit_refuses_is_refused(folder: Path) -> None:
    with pytest.raises(InvalidDockerfile):
        parse((folder / "Dockerfile").read_bytes())


@pytest.mark.parametrize("path", sorted(FOLDER.glob("parser/testfiles*/*/Dockerfile")), ids=str)
def test_a_file_is_printed_as_it_was(path: Path) -> None:
    source = decode(path.read_bytes())
    assert print_exactly(source, lex(source).items).encode() == path.read_bytes()


def lines_of(name: str) -> list[str]:
    path = FOLDER / "shell" / name
    lines = path.read_text().splitlines() if path.exists() else []
    return [line for line in lines if line.strip() and not line.startswith("#")]


VARIABLES = {"PWD": "/home", "SHELL": "bash", "KOREAN": "한국어", "NULL": ""}


@pytest.mark.parametrize(
    "line", [line for line in lines_of("envVarTest") if not line.startswith("W")]
)
def test_a_word_expands_as_in_buildkit(line: str) -> None:
    _, word, expected = (column.strip() for column in line.split("|"))
    if expected == "error":
        with pytest.raises(InvalidWord):
            Expander().expand(word, VARIABLES)
    else:
        assert Expander().expand(word, VARIABLES).text == expected


def test_words_split_as_in_buildkit() -> None:
    variables: dict[str, str] = {}
    for line in lines_of("wordsTest"):
        if line.startswith("ENV "):
            name, _, value = line.removeprefix("ENV ").lstrip().partition("=")
            variables[name] = value
            continue
        text, _, expected = line.partition("|")
        text, expected = text.strip(), expected.lstrip()
        try:
            words = list(Expander().expand(text, variables).words)
        except InvalidWord:
            words = ["error"]
        assert words == expected.split(","), line
