"""Repairs: what they make of a text, and where they leave it alone."""

import pytest

from wherry.dockerfile.source import Source
from wherry.lint.fixes import fix
from wherry.lint.options import Options

UPDATE = "RUN apt-get update && apt-get install -y --no-install-recommends a=1"


def _fixed(text: str) -> str:
    repaired = fix(Source(f"FROM a:1\n{text}\n"), Options(shellcheck=False)).text
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
        ("RUN a\nRUN b\nRUN c", "RUN a \\\n && b \\\n && c"),
        ("RUN --network=none a\nRUN --network=none b", "RUN --network=none a \\\n && b"),
        ("RUN cd /x && a\nWORKDIR /y", "WORKDIR /x\nRUN a\nWORKDIR /y"),
        ("add a /x", "copy a /x"),
        ("COPY a b /x", "COPY a b /x/"),
        ("CMD a -b  c", 'CMD ["a", "-b", "c"]'),
        ("HEALTHCHECK --retries=2 CMD a b", 'HEALTHCHECK --retries=2 CMD ["a", "b"]'),
        ('MAINTAINER "a b"', 'LABEL maintainer="a b"'),
        (UPDATE, UPDATE + " \\\n && rm -rf /var/lib/apt/lists/*"),
    ],
)
def test_a_finding_is_repaired(text: str, fixed: str) -> None:
    assert _fixed(text) == fixed


@pytest.mark.parametrize(
    "text",
    [
        "RUN apt-get update\nARG x\nRUN ./install",  # the lists are for what follows
        f"{UPDATE}\nARG x\nRUN xargs apt-get install -y --no-install-recommends <list",
        f"{UPDATE}\nARG x\nRUN apt install b=1",
        f"{UPDATE} || true",
        f"{UPDATE} # a comment of the shell's",
        "RUN export A=1\nRUN a",
        "RUN a | b\nRUN c",
        "RUN a\n# why b\nRUN b",
        "RUN cd /x && a\nRUN b && c",
        "RUN cd $X && a\nWORKDIR /y",
        'SHELL ["pwsh", "-c"]\nRUN a\nRUN b\nCMD Write-Host x',
        "CMD a && b",
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
