"""`lint --fix` on real builds: what is repaired builds the same tree as before."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.build.conftest import Files, tree_of
from wherry.dockerfile.source import Source
from wherry.lint.fixes import fix
from wherry.lint.linter import lint
from wherry.lint.options import Options
from wherry.testing.command import Wherry
from wherry.values import replace

Context = Callable[[Files], Path]
FILES = {"a.txt": "a", "b.txt": "b", "sub/c.txt": "c"}
# Every repair that a busybox can show, in a row.
TEXT = """\
FROM busybox:latest as x
MAINTAINER some body
ENV A some words
RUN mkdir -p /srv/x /srv/y
RUN touch /srv/z
RUN cd /srv/x && pwd >here && touch a
WORKDIR /srv/y
RUN pwd >there
RUN cd /srv/x && echo $A >b
ADD a.txt sub /srv/
ADD --chmod=600 b.txt ./
# why
RUN echo hello | tee /first >/second
RUN touch /m-$(uname -m) && m=$(uname -m) && echo $m >/machine
RUN cat /first | wc -c >/n
CMD ["top"]
FROM x
COPY --from=x /n /b
CMD ["top"]
ENTRYPOINT ["top"]
"""
REPAIRED = {
    *("DL3003", "DL3020", "DL3059", "DL4000", "DL4006", "SC2046", "FromAsCasing"),
    *("LegacyKeyValueFormat", "MaintainerDeprecated"),
}


@pytest.mark.needs("shellcheck")
def test_what_is_repaired_builds_the_same_tree(
    builder: Wherry, context: Context, tmp_path: Path
) -> None:
    options = Options(checks=True)
    before = Source(TEXT)

    repaired = fix(before, options)

    assert {finding.code for finding in lint(before, options).findings} >= REPAIRED
    assert not REPAIRED & {finding.code for finding in lint(repaired, options).findings}
    assert _built(builder, context, tmp_path, repaired.text) == _built(
        builder, context, tmp_path, before.text
    )


def _built(builder: Wherry, context: Context, tmp_path: Path, text: str) -> dict[str, object]:
    folder = context({**FILES, "Dockerfile": text})
    tar = tmp_path / "tree.tar"
    builder("build", "-q", "-o", f"type=tar,dest={tar}", str(folder), timeout=600)
    return dict(tree_of(tar))


@pytest.mark.skipif("WHERRY_CYCLES" not in os.environ, reason="scripts/test-slow has it")
@pytest.mark.needs("shellcheck")
def test_repairs_of_debians_packages_build_the_same_tree_but_for_lists_and_logs(
    builder: Wherry, context: Context, tmp_path: Path
) -> None:
    base = "debian:bookworm"
    builder("bootstrap", base, timeout=600)
    text = (
        f"FROM {base}\nRUN apt update && apt install -y hello\n"
        "RUN useradd -u 123456 somebody\nRUN cat /etc/passwd | sort >/users\n"
    )
    # The one repair that is meant to build less.
    asked = text.replace("install -y", "install -y --no-install-recommends")
    before = _built(builder, context, tmp_path, asked)
    options = Options()

    repaired = fix(Source(text), options)
    installed = {"apt": {"hello": "2.10-3"}}
    pinned = fix(repaired, replace(options, installed=installed), unsafe=True)

    left = {finding.code for finding in lint(pinned, options).findings}
    assert not left & {"DL3008", "DL3009", "DL3015", "DL3027", "DL3046", "DL4006"}
    after = _built(builder, context, tmp_path, pinned.text)
    assert _but_for_what_moves(after) == _but_for_what_moves(before)


def _but_for_what_moves(tree: dict[str, object]) -> dict[str, object]:
    moving = ("var/lib/apt/lists", "var/log", "var/cache", "etc/shadow", "etc/gshadow")
    return {name: entry for name, entry in tree.items() if not name.startswith(moving)}
