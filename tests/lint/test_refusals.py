"""What hadolint's parser refuses and the builder takes: where it stops, and where we say so."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.lint.hadolint import HADOLINT
from wherry.dockerfile.source import Source
from wherry.lint.finding import Level
from wherry.lint.linter import lint
from wherry.lint.options import Options
from wherry.values import replace

# Behind `FROM a:1`: the text, and line and column of the DL1000.
PLACES = {
    "RUN <<EOF\na\nEOF\nUSER a": "5:1",
    "RUN <<EOF\na\nEOF\n USER a": "",
    "RUN <<EOF\na\nEOF\n\nUSER a": "",
    "RUN <<-EOF\n\ta\n\tEOF\nUSER b": "3:9",
    "RUN <<A cat && <<B cat\na\nA\nb\nB\n\nUSER a": "5:1",
    "COPY <<A <<B /x/\na\nA\nb\nB\n\nUSER a": "",
    "COPY <<A /x\na\nA\nUSER a": "5:1",
    "COPY x <<A /x/\nhello\nA": "3:1",
    "ADD <<A /x\n  hello\nA\nUSER a": "3:3",
    "ADD <<A /x\nrun x\nhello\nA\n": "4:1",
    "RUN cat <<A > x\na\nA\nUSER b": "5:1",
    "RUN cat <<A | sh\na\nA\n\nUSER b": "",
    "RUN --mount=type=bind x": "2:22",
    "RUN --mount=type=cache,sharing=$X,target=/x y": "2:32",
    "RUN --mount=type=$X,target=/y z": "2:18",
    "RUN --mount=type=secret,id=a,required=1 x": "2:38",
    "RUN --mount=type=cache,target=/a,dst=/b y": "2:40",
    "RUN --mount=type=bind,target=/x,rw y": "",
    "RUN --mount=type=ssh y": "",
    "RUN --mount=target=.,source=$X,ro \\\n  --mount=type=cache,id=y z": "3:26",
    "RUN --device=a y": "",
    "RUN --security=insecure y": "",
    'RUN --mount=type=cache,target="/x y" z': "",
    "RUN --mount=type=secret,id=a,env=B,target=/x y": "",
    "RUN --mount=type=cache,target=/x,ro=1 y": "2:36",
    "EXPOSE ${A:-80}": "2:15",
    "EXPOSE 80:80": "2:10",
    "EXPOSE :80": "2:8",
    "EXPOSE $A$B": "2:10",
    "EXPOSE 80-90/sctp": "2:13",
    "EXPOSE 80/sctp": "2:11",
    "EXPOSE $A-$B/tcp 80-90 80/UDP $X/tcp": "",
    "EXPOSE 80/$P": "2:11",
    "EXPOSE 80 \\\n\t1:2": "3:10",
    'CMD ["a"] b': "2:11",
    'CMD ["a"]]': "2:10",
    'ENTRYPOINT ["a" ] # c': "2:19",
    'RUN [ "a" ] && b': "2:13",
    'RUN ["a", "b"] \\\n && c': "3:2",
    'COPY ["a", "b"] c': "2:17",
    "CMD []": "",
    "CMD [] x": "2:8",
    'HEALTHCHECK CMD ["a"] b': "2:23",
    'VOLUME ["a"] b': "",
    "RUN a \\\n  \n && b": "4:2",
    "RUN a \\\n\n && b": "",
    "RUN a \\\n  \n# c\n && b": "5:2",
    "RUN a \\\n\t\n\n\tUSER b": "",
    "RUN a \\\n # c\n  \n && b": "5:2",
    "ENV A=b \\\n  \n C=d": "4:2",
    "LABEL a=b \\\n\n c=d": "",
    "RUN a \\\\\nUSER b": "3:7",
    "RUN a \\\\\n": "3:1",
    "RUN a \\\\": "",
    "USER a\\\\\nUSER b": "2:9",
    "ENV A b\\\\\nUSER c": "2:10",
    "ENV A=b\\\\\nUSER c": "",
    "CMD a \\\\\n# c\nUSER b": "4:7",
    "WORKDIR /a\\\\\nUSER b": "2:13",
    "LABEL a=\\\nb": "",
    'LABEL a=\\\n"b"': "3:1",
    'LABEL "a b"': "2:12",
    "ENV A=\\\nb C=d": "",
    "CMD": "2:4",
    "ENTRYPOINT ": "2:12",
    "RUN": "2:4",
    "CMD \nUSER a": "2:5",
    "ENTRYPOINT\nUSER a": "2:11",
    "HEALTHCHECK --interval=1m30s CMD a": "2:26",
    "HEALTHCHECK --interval=500ms CMD a": "2:28",
    "HEALTHCHECK --timeout=30s --retries=3 CMD a": "",
    "HEALTHCHECK --interval=1.5h CMD a": "",
    "ONBUILD RUN <<EOF\na\nEOF\nUSER a": "5:1",
    "ONBUILD EXPOSE 1:2": "2:17",
    "COPY --parents a b": "",
    "COPY --exclude=x a b": "",
    "ADD --unpack=true a b": "",
    "COPY --chmod=u+x a b": "",
    "USER a # b": "",
    "FROM a@sha256:1": "",
    "ARG A B=c": "",
    "ADD --checksum=x --keep-git-dir=true a b": "",
    "STOPSIGNAL $X": "",
    "RUN a \\ \n b": "",
    "RUN a \\\n": "",
    "RUN a \\": "",
    "# x\n\n  # y\nUSER a": "",
    "LABEL a b=c": "",
}
STRICT = Options(shellcheck=False, strict_hadolint=True)


def _file(text: str) -> str:
    return f"FROM a:1\n{text}"


def test_the_strict_linter_stops_where_hadolint_does() -> None:
    for text, place in PLACES.items():
        findings = lint(Source(_file(text)), STRICT).findings
        places = [f"{one.line}:{one.column}" for one in findings if one.code == "DL1000"]
        assert places == ([place] if place else []), text


def test_the_builder_and_the_linter_read_all_of_it() -> None:
    for text in PLACES:
        assert lint(Source(_file(text)), Options(shellcheck=False)).is_readable, text


@pytest.mark.needs("hadolint")
def test_hadolint_stops_there(tmp_path: Path) -> None:
    for number, text in enumerate(PLACES):
        (tmp_path / f"{number:03}").write_text(_file(text))
    command = [str(HADOLINT), "--no-fail", "-f", "json", *map(str, sorted(tmp_path.iterdir()))]
    result = subprocess.run(command, capture_output=True, check=True)

    said = dict.fromkeys(PLACES, "")
    for item in json.loads(result.stdout):
        if item["code"] == "DL1000":
            text = list(PLACES)[int(Path(item["file"]).name)]
            said[text] = f"{item['line']}:{item['column']}"
    assert said == PLACES


def test_refusals_are_findings_of_their_own_for_those_who_ask() -> None:
    source = Source(_file("EXPOSE 1:2\nRUN <<EOF\nx\nEOF\nUSER root\n"))
    options = Options(shellcheck=False, levels={"WH1005": Level.WARNING})

    found = [(one.line, one.message) for one in lint(source, options).findings]

    assert (2, "hadolint cannot read a port that is no number") in found
    assert (6, "hadolint cannot read a line behind the end of a heredoc") in found
    assert [line for line, message in found if message == "Last USER should not be root"] == [6]


def test_of_many_faults_the_first_is_told() -> None:
    source = Source("FROM a:1\nEXPOSE 1:2\nXYZ\nABC\n")

    assert [finding.line for finding in lint(source, STRICT).findings] == [2]
    found = lint(source, Options(shellcheck=False)).findings
    assert [(one.line, one.message) for one in found] == [(3, "unknown instruction: XYZ")]


@pytest.mark.needs("shellcheck")
def test_of_what_hadolint_cannot_read_nothing_else_is_told() -> None:
    source = Source(_file("RUN <<EOF\necho $x\nEOF\nUSER root"))

    assert {one.code for one in lint(source, Options()).findings} >= {"DL3002", "SC2086"}
    strict = replace(STRICT, shellcheck=True)
    assert [one.code for one in lint(source, strict).findings] == ["DL1000"]
