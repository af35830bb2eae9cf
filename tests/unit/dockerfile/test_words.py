"""Words of a Dockerfile: quotes, escapes, variables. Each row is what BuildKit makes of it."""

import pytest

from wherry.dockerfile.words import Expander, InvalidWord

VARIABLES = {"A": "one", "PATH": "/usr/bin:/bin", "E": "", "S": "a  b", "G": "x.tar.gz", "Ü": "u"}


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("plain", "plain"),
        ("$A", "one"),
        ("${A}", "one"),
        ("x$A.y", "xone.y"),
        ("x${A}y", "xoney"),
        ("$Ü", "u"),
        ("$UNSET", ""),
        ("x$", "x$"),
        ("$.", "$."),
        ("a$1b", "ab"),
        ("\\$A", "$A"),
        ("\\\\$A", "\\one"),
        ("'$A'", "$A"),
        ('"$A"', "one"),
        ("'a\"b'", 'a"b'),
        ('"a\'b"', "a'b"),
        ('"a\\"b"', 'a"b'),
        ('"a\\nb"', "a\\nb"),
        ("a\\nb", "anb"),
        ("end\\", "end"),
        ("${A:-x}", "one"),
        ("${E:-x}", "x"),
        ("${E-x}", ""),
        ("${U:-x}", "x"),
        ("${U-$A}", "one"),
        ("${U:-${V:-deep}}", "deep"),
        ("${U:-\\}}", "}"),
        ("${U:-'a b'}", "a b"),
        ("${A:+x}", "x"),
        ("${E:+x}", ""),
        ("${E+x}", "x"),
        ("${U+x}", ""),
        ("${A:?no}", "one"),
        ("${E?no}", ""),
        ("${G#*.}", "tar.gz"),
        ("${G##*.}", "gz"),
        ("${G%.*}", "x.tar"),
        ("${G%%.*}", "x"),
        ("${G#y}", "x.tar.gz"),
        ("${G%?z}", "x.tar."),
        ("${G/./-}", "x-tar.gz"),
        ("${G//./-}", "x-tar-gz"),
        ("${G/tar*/zip}", "x.zip"),
        ("${PATH//\\//:}", ":usr:bin::bin"),
        ("${A/o/$G}", "x.tar.gzne"),
        ("${U#x}", ""),
        ("a<b", "a<b"),
        ("<< EOF", "<< EOF"),
    ],
)
def test_a_word_expands(word: str, expected: str) -> None:
    assert Expander().expand(word, VARIABLES).text == expected


@pytest.mark.parametrize(
    ("word", "problem"),
    [
        ("'x", "unexpected end of statement while looking for matching single-quote"),
        ('"x', "unexpected end of statement while looking for matching double-quote"),
        ("${", "syntax error: missing '}'"),
        ("${A:-x", "syntax error: missing '}'"),
        ("${A/x", "syntax error: missing '/' in ${}"),
        ("${}", "syntax error: bad substitution"),
        ("${:x}", "syntax error: bad substitution"),
        ("${A=x}", "unsupported modifier (=) in substitution"),
        ("${A:=x}", "unsupported modifier (:=) in substitution"),
        ("${A:#x}", "unsupported modifier (:#) in substitution"),
        ("${U:?}", "U: is not allowed to be unset"),
        ("${E:?}", "E: is not allowed to be empty"),
        ("${U?give $A}", "U: give one"),
        ("${A#\\x}", "invalid pattern (\\x) in substitution: invalid escape '\\x'"),
    ],
)
def test_a_word_is_refused(word: str, problem: str) -> None:
    with pytest.raises(InvalidWord) as caught:
        Expander().expand(word, VARIABLES)
    assert caught.value.problem == problem
    assert caught.value.message.startswith("failed to process ")


def test_a_chain_of_open_braces_is_refused_and_not_followed_down() -> None:
    with pytest.raises(InvalidWord):
        Expander().expand("${a:-" * 50_000, {})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a b", ("a", "b")),
        ("x$S", ("xa", "b")),
        ('x"$S"y', ("xa  by",)),
        ("a\\ b", ("a b",)),
        ("80${U:-81} 9", ("8081", "9")),
        ("''", ()),
        ("  ", ()),
    ],
)
def test_words_split_after_variables_are_replaced(text: str, words: tuple[str, ...]) -> None:
    assert Expander().expand(text, VARIABLES).words == words


def test_the_variables_that_were_read_are_told() -> None:
    expansion = Expander().expand("$A ${U:-$V} '$W'", VARIABLES)
    assert expansion.used == {"A"}
    assert expansion.unmatched == {"U", "V"}


def test_what_is_unset_may_stay() -> None:
    expander = Expander(keep_unset=True)
    assert expander.expand("$A $U ${U} ${U:-x} ${U/a/b}", VARIABLES).text == (
        "one $U ${U} ${U:-x} ${U/a/b}"
    )


def test_a_backtick_escapes_where_the_file_says_so() -> None:
    assert Expander("`").expand("c:\\$A`$A", VARIABLES).text == "c:\\one$A"


def test_a_heredoc_keeps_its_quotes() -> None:
    expander = Expander(skip_quotes=True, raw_quotes=True)
    assert expander.expand('it\'s "$A"', VARIABLES).text == 'it\'s "one"'
