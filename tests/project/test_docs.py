"""The pages keep up with the program: each command line in them can be read, each link leads on."""

import re
import shlex
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from wherry.cli.commands import GROUPS, find
from wherry.cli.flags import FlagSet, HelpRequested, UsageError
from wherry.cli.main import GlobalFlags

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md"))]
PAGES += sorted(ROOT.glob("examples/**/*.md"))
_BLOCK = re.compile(r"^ *```(\w*)\n(.*?)^ *```|((?:^    .*\n)+)", re.MULTILINE | re.DOTALL)
_SHELL = {"sh", "console", "bash", ""}
_ENDS = {"#", "|", "||", "&&", ";", ">", "<", "2>", ">>", "&"}
_INLINE = re.compile(r"`wherry ([^`]+)`")
_LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def command_lines(page: Path) -> Iterator[list[str]]:
    """The words of each call of `wherry` in the page's examples, up to a pipe or redirection."""
    for language, fenced, indented in _BLOCK.findall(page.read_text()):
        if language not in _SHELL:
            continue
        for line in (fenced or indented).replace("\\\n", " ").splitlines():
            lexer = shlex.shlex(line.strip().removeprefix("$ "), posix=True, punctuation_chars=True)
            lexer.whitespace_split = True
            lexer.commenters = ""  # a number sign within a word is none
            try:
                words = list(lexer)
            except ValueError:  # a quotation that goes on: a heredoc or a file's content
                continue
            if words[:1] == ["wherry"]:
                end = next((at for at, word in enumerate(words) if word in _ENDS), len(words))
                yield words[1:end]


def mentions(page: Path) -> Iterator[str]:
    """What follows the program's name in the page's sentences."""
    yield from _INLINE.findall(_BLOCK.sub("", page.read_text()))


LINES = [(page, words) for page in PAGES for words in command_lines(page)]


def test_the_pages_have_examples() -> None:
    assert len(LINES) > 50


@pytest.mark.parametrize(
    ("page", "words"), LINES, ids=[f"{page.name}: {' '.join(words)}" for page, words in LINES]
)
def test_an_example_can_be_read(page: Path, words: list[str]) -> None:
    words = GlobalFlags.parse(words, interspersed=False).operands
    row, count = find(words)
    if row is None:
        assert words == [] or words[0] in GROUPS, page
        return
    module = import_module(row.module)
    flags: type[FlagSet] = module.Flags
    try:
        read = flags.parse(words[count:], interspersed=module.SYNTAX.interspersed)
    except HelpRequested:
        return
    except UsageError as error:
        pytest.fail(f"{page}: {error}")
    number = len(read.operands)
    most = module.SYNTAX.most
    assert number >= module.SYNTAX.least, page
    assert most is None or number <= most, page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_sentences_mention_is_there(page: Path) -> None:
    for text in mentions(page):
        try:
            words = GlobalFlags.parse(text.split(), interspersed=False).operands
        except HelpRequested:
            continue
        row, count = find(words)
        assert row is not None or words[0] in {*GROUPS, "COMMAND"}, text
        known = set(import_module(row.module).Flags.declared()) if row else set()
        named = [word.partition("=")[0] for word in words[count:] if word.startswith("--")]
        assert {name.removeprefix("--") for name in named} <= known | {"help"}, text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page: Path) -> None:
    broken = [
        target for target in _LINK.findall(page.read_text()) if not (page.parent / target).exists()
    ]
    assert broken == []
