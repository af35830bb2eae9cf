"""Any text is read without surprise, printed as it was, and its normal form means the same."""

from hypothesis import assume, example, given

from tests.properties.strategies import VARIABLES, WORDS, dockerfiles
from wherry.dockerfile.errors import excerpt
from wherry.dockerfile.lines import lex
from wherry.dockerfile.parser import parse_leniently
from wherry.dockerfile.printing import print_exactly, print_normally
from wherry.dockerfile.source import Source
from wherry.dockerfile.statement import Statement
from wherry.dockerfile.words import Expander, InvalidWord


@given(dockerfiles())
def test_a_file_is_printed_as_it_was(text: str) -> None:
    source = Source(text)
    lexed = lex(source)
    assume(not lexed.problems)
    assert print_exactly(source, lexed.items) == text


@given(dockerfiles())
@example("FROM a\nRUN x\\\f\n")
@example("FROM a\nRUN -- --x\n")
@example("\n# escape=`\nFROM a\n")
def test_the_normal_form_means_the_same(text: str) -> None:
    assume(not lex(Source(text)).problems)
    dockerfile, _ = parse_leniently(Source(text))
    printed = print_normally(dockerfile)
    again, _ = parse_leniently(Source(printed))
    assert again == dockerfile
    assert print_normally(again) == printed


@given(dockerfiles())
def test_every_fault_has_a_place_that_can_be_shown(text: str) -> None:
    source = Source(text)
    _, problems = parse_leniently(source)
    for problem in problems:
        assert 0 <= problem.span.start <= problem.span.end <= len(text)
        assert excerpt(source, problem.span)


@given(dockerfiles())
def test_words_stand_where_they_say(text: str) -> None:
    source = Source(text)
    for item in lex(source).items:
        if isinstance(item, Statement):
            assert source.slice(item.keyword.span)[:1] == item.keyword.text[:1]
            for index, character in enumerate(item.line.text):
                assert text[item.line.offset(index)] == character


@given(WORDS, VARIABLES)
def test_any_word_expands_or_is_refused(word: str, variables: dict[str, str]) -> None:
    try:
        expansion = Expander().expand(word, variables)
    except InvalidWord:
        return
    assert expansion.used <= set(variables)
    assert not expansion.unmatched & set(variables)
