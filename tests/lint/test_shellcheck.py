"""ShellCheck's findings inside RUN."""

import pytest

from tests.lint.dockerfiles import dockerfiles
from wherry.dockerfile.source import Source
from wherry.lint.linter import lint, lint_all
from wherry.lint.options import Options

pytestmark = pytest.mark.needs("shellcheck")


def _found(text: str) -> list[str]:
    findings = lint(Source(text), Options()).findings
    return [f"{f.code}@{f.line}" for f in findings if f.code.startswith("SC")]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("RUN echo $X", ["SC2086@2"]),
        ("RUN a && \\\n echo $X", ["SC2086@2"]),
        ('RUN ["echo", "$X"]', []),
        ('RUN echo "$x"', ["SC2154@2"]),
        ('ARG x\nRUN echo "$x"', []),
        ('ENV x=1 y=2\nRUN echo "$x$y"', []),
        ('ONBUILD ARG x\nRUN echo "$x"', ["SC2154@3"]),
        ('RUN echo "$http_proxy"', []),
        ("RUN [[ -f x ]]", ["SC3010@2"]),
        ('SHELL ["/bin/bash", "-c"]\nRUN [[ -f x ]]', []),
        ("# hadolint shell=/bin/bash\nRUN [[ -f x ]]", []),
        ('SHELL ["pwsh", "-c"]\nRUN echo $X', []),
        ("RUN <<EOF\necho $X\nEOF", ["SC2086@2"]),
        ("RUN <<EOF\n#!/usr/bin/env python\nprint($X)\nEOF", []),
        ("# hadolint ignore=SC2086\nRUN echo $X", []),
        ('ENV "a" "b"\nRUN echo $a', []),
        ("ONBUILD ARG x\nONBUILD RUN echo $x", []),
        ("RUN cat <<EOF >/x\n$(ls $X)\nEOF", ["SC2086@2"]),
        ("RUN echo a \\\n    b  c", ["SC2291@2"]),
        ("RUN echo a \\\n        b c \\\n        d", []),
    ],
)
def test_findings_count_for_the_line_of_the_run(text: str, found: list[str]) -> None:
    assert _found(f"FROM a:1\n{text}\n") == found


def test_a_stage_inherits_the_shell_and_the_variables_of_its_base() -> None:
    base = 'FROM a:1 AS b\nENV x=1\nSHELL ["/bin/bash", "-c"]\n'
    text = f'{base}FROM b\nRUN [[ -f y ]] && echo "$x"\n'
    assert _found(text) == []
    assert _found(text.replace("FROM b", "FROM c:1")) == ["SC2154@5", "SC3010@5"]


def test_many_files_at_once_find_the_same_as_one_by_one() -> None:
    sources = [Source(text) for text in dockerfiles(30)]
    together = lint_all(sources, Options())
    assert together == [lint(source, Options()) for source in sources]
