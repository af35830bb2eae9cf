"""The shell inside RUN: scripts that need no grammar are read as the grammar reads them."""

from hypothesis import given
from hypothesis import strategies as st

from tests.lint.cases import read_cases
from tests.lint.dockerfiles import dockerfiles
from wherry.dockerfile.source import Source
from wherry.lint.document import read_document
from wherry.lint.shell import parsed_script, read_script

_WORDS = st.sampled_from(
    [
        *("apt-get", "install", "-y", "curl=7.1", "a*", "*", "--flag=x:y", "/var/lib/apt/lists/*"),
        *(
            "&&",
            "||",
            ";",
            "&",
            "|",
            ";;",
            "if",
            "then",
            "fi",
            "time",
            "export",
            "exec",
            "in",
            "A=1",
        ),
        *("1", "2", "..", ".", ":", "=", "-", "--", "%x", "@a/b@1", "a,b", "test", "do", "+"),
    ]
)
SCRIPTS = st.lists(st.tuples(_WORDS, st.sampled_from([" ", "", "  ", "\t"]))).map(
    lambda pieces: "".join(word + blanks for word, blanks in pieces)
)


@given(SCRIPTS)
def test_a_plain_script_is_read_as_by_the_grammar(text: str) -> None:
    assert read_script(text) == parsed_script(text)


def test_scripts_of_dockerfiles_too() -> None:
    texts = [*(case.text for case in read_cases()), *dockerfiles(250)]
    for text in texts:
        for run in read_document(Source(text)).runs:
            assert read_script(run.text) == parsed_script(run.text), run.text
