"""Repairs: what they make of a text, and where they leave it alone."""

import pytest

from wherry.dockerfile.source import Source
from wherry.lint.fixes import fix
from wherry.lint.options import Options

UPDATE = "RUN apt-get update && apt-get install -y --no-install-recommends a=1"

LISTS = "\\\n && rm -rf /var/lib/apt/lists/*"

BASH = 'SHELL ["/bin/bash", "-o", "pipefail", "-c"]'
ASH = BASH.replace("bash", "ash")
INSTALLED = {
    "apt": {"a": "1:2-3+b4~5", "b": "1"},
    "apk": {"a": "1.2-r0"},
    "rpm": {"a": "1.2-3"},
    "pip": {"flask-login": "3.0"},
    "npm": {"@s/a": "1.2.3", "odd": "1;rm"},
    "gem": {"a": "4.5"},
}


def _fixed(text: str, options: Options = Options(shellcheck=False), *, unsafe: bool = False) -> str:  # noqa: B008
    repaired = fix(Source(f"FROM a:1\n{text}\n"), options, unsafe=unsafe).text
    return repaired.removeprefix("FROM a:1\n").removesuffix("\n")


@pytest.mark.parametrize(
    ("text", "fixed"),
    [
        ("RUN apt-get install a=1", "RUN apt-get install --no-install-recommends -y a=1"),
        (
            "RUN  apt-get \\\n  install a=1",
            "RUN  apt-get \\\n  install --no-install-recommends -y a=1",
        ),
        ("RUN apk add a=1", "RUN apk add --no-cache a=1"),
        ("RUN pip install a==1", "RUN pip install --no-cache-dir a==1"),
        ("RUN yum install -y a-1", "RUN yum install -y a-1 \\\n && yum clean all"),
        ("RUN yarn install", "RUN yarn install \\\n && yarn cache clean"),
        ("RUN useradd -u 123456 a", "RUN useradd -l -u 123456 a"),
        ("RUN wget x", "RUN wget -q x"),
        ("FROM debian:12\nRUN wget x", "FROM debian:12\nRUN wget -nv x"),
        ("RUN a\nRUN b\nRUN c", "RUN a \\\n && b \\\n && c"),
        (
            "RUN yum install -y a-1 && \\\n  b \\\n    c",
            "RUN yum install -y a-1 && \\\n  b \\\n    c && \\\n  yum clean all",
        ),
        (
            "RUN yarn install \\\n  && yarn run x \\\n    y",
            "RUN yarn install \\\n  && yarn run x \\\n    y \\\n  && yarn cache clean",
        ),
        (
            "RUN apt update && apt -y install --no-install-recommends a=1",
            f"{UPDATE.replace('install -y', '-y install')} {LISTS}",
        ),
        ("FROM debian:12\nRUN sudo a && sudo b", "FROM debian:12\nRUN a && b"),
        (
            "RUN apt-get install -y curl && curl https://b",
            "RUN apt-get install -y --no-install-recommends ca-certificates curl && curl https://b",
        ),
        ("RUN --network=none a\nRUN --network=none b", "RUN --network=none a \\\n && b"),
        ("RUN cd /x && a\nWORKDIR /y", "WORKDIR /x\nRUN a\nWORKDIR /y"),
        ("add a /x", "copy a /x"),
        ("COPY a b /x", "COPY a b /x/"),
        ("CMD a -b  c", 'CMD ["a", "-b", "c"]'),
        ("HEALTHCHECK --retries=2 CMD a b", 'HEALTHCHECK --retries=2 CMD ["a", "b"]'),
        ('MAINTAINER "a b"', 'LABEL maintainer="a b"'),
        (UPDATE, f"{UPDATE} {LISTS}"),
        ("WORKDIR /a\nRUN cd /x && b", "WORKDIR /a\nWORKDIR /x\nRUN b\nWORKDIR /a"),
        (
            "FROM alpine:3\n# why\nRUN cat a | tar x\nRUN cat b | wc",
            f"FROM alpine:3\n{ASH}\n# why\nRUN cat a | tar x\nRUN cat b | wc",
        ),
        (
            "FROM alpine:3\n  # why\n RUN cat a | tar x",
            f"FROM alpine:3\n  {ASH}\n  # why\n RUN cat a | tar x",
        ),
        ("FROM debian:12\nRUN cat a | tar x", f"FROM debian:12\n{BASH}\nRUN cat a | tar x"),
    ],
)
def test_a_finding_is_repaired(text: str, fixed: str) -> None:
    assert _fixed(text) == fixed


def test_a_file_without_a_base_is_repaired_as_far_as_it_goes() -> None:
    text = "RUN wget x && sudo a && cat b | tar x\n"
    repaired = fix(Source(text), Options(shellcheck=False)).text
    assert repaired == text.replace("wget", "wget -q")


@pytest.mark.parametrize(
    "text",
    [
        "RUN apt-get update\nARG x\nRUN ./install",  # the lists are for what follows
        f"{UPDATE}\nARG x\nRUN xargs apt-get install -y --no-install-recommends <list",
        f"{UPDATE}\nARG x\nRUN apt list",
        f"{UPDATE} || true",
        f"{UPDATE} # a comment of the shell's",
        "RUN export A=1\nRUN a",
        "RUN a | b\nRUN c",
        "RUN a\n# why b\nRUN b",
        "RUN a\nRUN \\\n  # why b\n  b",
        "RUN cd /x && \\\n # why a\n a\nWORKDIR /y",
        "RUN cd /x && a\nRUN b && c",
        "RUN cd $X && a\nWORKDIR /y",
        'SHELL ["pwsh", "-c"]\nRUN a\nRUN b\nCMD Write-Host x',
        "CMD a && b",
        "FROM debian:12\nRUN cat a | head -1",  # the reader stops early
        "FROM debian:12\nRUN grep a b | tar x",  # no match is no failure today
        "FROM debian:12\nRUN echo 'a\\nb' | tee c",  # dash makes two lines of it
        'FROM debian:12\nRUN cat a | tar x\nENTRYPOINT cat b | less "$x"',  # its shell too
        "FROM $base\nRUN cat a | tar x",
        "FROM example.com/debian:12\nRUN cat a | tar x",
        "RUN sudo make",
        "FROM debian:12\nUSER a\nRUN sudo make",
        "RUN apt list && apt upgrade -y",
        "RUN apt-get install -y curl=1 && curl https://b",  # who pins, pins what it recommends
        'CMD echo "$x"',
        "CMD exec a",
        "ADD https://example.com/a b /x/",
        "ADD a* /x/",
        "COPY a b $X",
        "MAINTAINER $a",
        "# hadolint ignore=DL4000\nMAINTAINER a",
        '["apt-get"',
    ],
)
def test_what_is_not_certain_stays(text: str) -> None:
    assert _fixed(text) == text


@pytest.mark.parametrize(
    ("text", "fixed"),
    [
        (
            "RUN apt-get install -y --no-install-recommends a b",
            "RUN apt-get install -y --no-install-recommends a=1:2-3+b4~5 b=1",
        ),
        ("RUN apk add --no-cache a", "RUN apk add --no-cache a=1.2-r0"),
        (
            "RUN yum install -y a && yum clean all",
            "RUN yum install -y a-1.2-3 && yum clean all",
        ),
        (
            "RUN dnf install -y a && dnf clean all",
            "RUN dnf install -y a-1.2-3 && dnf clean all",
        ),
        ("RUN zypper in -y a && zypper cc", "RUN zypper in -y a=1.2-3 && zypper cc"),
        ("RUN pip install --no-cache-dir Flask_Login", None),
        ("RUN npm install -g @s/a", "RUN npm install -g @s/a@1.2.3"),
        ("RUN gem install a", "RUN gem install a:4.5"),
        ("FROM x:1\nRUN cat a | head -1", f"FROM x:1\n{BASH}\nRUN cat a | head -1"),
        ("RUN sudo make", "RUN make"),
    ],
)
def test_who_asks_for_unsafe_repairs_gets_them(text: str, fixed: str | None) -> None:
    options = Options(shellcheck=False, installed=INSTALLED)
    assert _fixed(text, options) == text
    assert _fixed(text, options, unsafe=True) == (fixed or f"{text}==3.0")


@pytest.mark.parametrize(
    "text",
    [
        "RUN apt-get install -y --no-install-recommends unknown",
        'RUN apt-get install -y --no-install-recommends "a"',
        "RUN apt-get install -y --no-install-recommends $A",
        "RUN dnf module install -y a && dnf clean all",
        "RUN npm install -g odd",  # a version that a shell would not leave alone
        "RUN sudo -u x make",
        '["apk", "add", "--no-cache", "a"]',
    ],
)
def test_what_nobody_knows_is_not_guessed(text: str) -> None:
    assert _fixed(text, Options(shellcheck=False, installed=INSTALLED), unsafe=True) == text


@pytest.mark.needs("shellcheck")
@pytest.mark.parametrize(
    ("text", "safe", "unsafe"),
    [
        ("make -j$(nproc)", 'make -j"$(nproc)"', 'make -j"$(nproc)"'),
        (
            "m=$(uname -m) && \\\n echo é $m-${m}",
            'm=$(uname -m) && \\\n echo é "$m"-"${m}"',
            'm=$(uname -m) && \\\n echo é "$m"-"${m}"',
        ),
        ("m=$(cat a) && touch $m", "m=$(cat a) && touch $m", 'm=$(cat a) && touch "$m"'),
        ("for m in *; do touch $m; done",) * 2 + ('for m in *; do touch "$m"; done',),
        ("m=$(arch) && read -r m && touch $m",) * 2 + ('m=$(arch) && read -r m && touch "$m"',),
    ],
)
def test_quotes_stand_where_the_value_is_one_word(text: str, safe: str, unsafe: str) -> None:
    assert _fixed(f"RUN {text}", Options()) == f"RUN {safe}"
    assert _fixed(f"RUN {text}", Options(), unsafe=True) == f"RUN {unsafe}"
