"""`lint --fix` on real builds: what is repaired builds the same tree as before."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.build.conftest import Files, tree_of
from wherry.dockerfile.source import Source
from wherry.lint.fixes import fix
from wherry.lint.linter import lint
from wherry.lint.options import Options
from wherry.testing.command import Wherry

Context = Callable[[Files], Path]
FILES = {"a.txt": "a", "b.txt": "b", "sub/c.txt": "c"}
# Every repair that a busybox can show, several of them in one file.
TEXTS = {
    "DL3003 DL3059": (
        "FROM busybox:latest\nRUN mkdir -p /srv/x /srv/y\nRUN touch /srv/z\n"
        "RUN cd /srv/x && pwd >here && touch a\nWORKDIR /srv/y\nRUN pwd >there\n"
        "RUN cd /srv/x && echo b >b\nRUN cp there again && ls\n"
    ),
    "DL3020": ("FROM busybox:latest\nADD a.txt sub /srv/\nWORKDIR /d\nADD --chmod=600 b.txt ./\n"),
    "DL4006 SC2046": (
        "FROM busybox:latest\n# why\nRUN echo hello | tee /first >/second\n"
        "RUN touch /m-$(uname -m) && m=$(uname -m) && echo $m >/machine\n"
        "RUN cat /first | wc -c >/n\n"
    ),
    "DL4000 DL3025 LegacyKeyValueFormat": (
        "FROM busybox:latest as x\nMAINTAINER some body\nENV A some words\nRUN echo $A >/a\n"
        "CMD top -b\n"
        "FROM x\nCOPY --from=x /a /b\n"
    ),
}


@pytest.mark.needs("shellcheck")
@pytest.mark.parametrize("codes", TEXTS)
def test_what_is_repaired_builds_the_same_tree(
    builder: Wherry, context: Context, tmp_path: Path, codes: str
) -> None:
    options = Options(checks=True)
    before = Source(TEXTS[codes])

    repaired = fix(before, options)

    left = {finding.code for finding in lint(repaired, options).findings}
    assert not left & set(codes.split())
    assert _built(builder, context, tmp_path, repaired.text) == _built(
        builder, context, tmp_path, before.text
    )


def _built(builder: Wherry, context: Context, tmp_path: Path, text: str) -> dict[str, object]:
    folder = context({**FILES, "Dockerfile": text})
    tar = tmp_path / "tree.tar"
    builder("build", "-q", "-o", f"type=tar,dest={tar}", str(folder))
    return dict(tree_of(tar))
