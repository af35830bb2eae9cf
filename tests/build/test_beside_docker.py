"""The same Dockerfiles built here and by dockerd: configuration, history, files."""

import io
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.build.conftest import Files, buildkit_build, saved_config, tree_of
from wherry.testing.command import Wherry
from wherry.testing.dockerd import Dockerd


def _archive(**files: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


CASES: dict[str, Files] = {
    "configuration": {
        "Dockerfile": """\
FROM busybox
ARG VERSION=1
ENV A=1 B="two words" C=$VERSION
ENV OLD form of it
LABEL one=1 two="${A}2"
EXPOSE 80 53/udp
VOLUME /data ["/more"]
WORKDIR /app
WORKDIR sub
USER daemon
STOPSIGNAL SIGQUIT
HEALTHCHECK --interval=5s --retries=2 CMD true
ONBUILD RUN echo triggered
SHELL ["/bin/sh", "-ec"]
ENTRYPOINT exec echo
CMD ["a", "b"]
"""
    },
    "an entrypoint clears the command of the base": {
        "Dockerfile": 'FROM busybox\nENTRYPOINT ["echo", "hi"]\n'
    },
    "copies": {
        "Dockerfile": """\
FROM busybox
COPY one.txt two.txt /files/
COPY dir /target
COPY dir/ /etc/
COPY *.txt /globbed/
COPY [dt]* /mixed
COPY one.txt /renamed
COPY --chown=7:8 dir /owned
WORKDIR /work
COPY one.txt .
ADD archive.tar.gz /unpacked
COPY archive.tar.gz /kept/
RUN ln -s /files /link
COPY two.txt /link/through
""",
        "one.txt": "one",
        "two.txt": "two",
        "dir/inner/deep": "deep",
        "dir/top": "top",
        "archive.tar.gz": _archive(a="1", b="2"),
    },
    "ignored files stay out": {
        "Dockerfile": "FROM busybox\nCOPY . /all/\n",
        ".dockerignore": "*.log\nbuild\n!keep.log\nbuild/*\n!build/out\nDockerfile\n",
        "a.log": "",
        "keep.log": "",
        "build/out": "x",
        "build/other": "",
        "src/b.log": "",
    },
    "stages": {
        "Dockerfile": """\
ARG BASE=busybox
FROM $BASE AS builder
RUN echo made > /made
FROM builder AS unused
RUN true
FROM ${BASE}
COPY --from=builder /made /taken
COPY --from=0 /made /again
RUN rm /bin/vi && rm -r /home || true
"""
    },
    "a chain of triggers": {
        "Dockerfile": """\
FROM busybox AS one
ONBUILD ARG A=1
ONBUILD RUN echo one $A > /one
ONBUILD ENV B=$A
FROM one AS two
ONBUILD RUN echo two > /two
RUN echo $B > /b
FROM two
RUN echo $B > /c
""",
    },
    "arguments that every build has": {
        "Dockerfile": """\
ARG BASE=busybox
FROM --platform=$BUILDPLATFORM $BASE
ARG BASE
ARG TARGETPLATFORM
ARG TARGETARCH
ARG BUILDOS
ARG DEFAULT=d
ARG OTHER=${DEFAULT}x
RUN env | grep -v -e HOME -e PWD -e SHLVL | sort > /env
LABEL all="$TARGETPLATFORM $TARGETARCH $BUILDOS $OTHER"
""",
    },
    "arguments of the stage below": {
        "Dockerfile": """\
ARG GLOBAL=g
FROM busybox AS base
ARG GLOBAL
ARG UNSET
ARG NAMED=n
ENV LATER=env
ARG LATER=arg
FROM base AS middle
RUN echo "$GLOBAL $UNSET $NAMED $LATER" > /middle
FROM middle
ARG NAMED=other
ARG OWN=$GLOBAL$LATER
RUN echo "$GLOBAL $UNSET $NAMED $LATER $OWN" > /last
"""
    },
    "directories of a user": {
        "Dockerfile": """\
FROM busybox
RUN mkdir /own && chmod 700 /own
USER 7
WORKDIR /own/of/seven
WORKDIR /own
USER 8:9
WORKDIR two
RUN true
"""
    },
    "archives that meet": {
        "Dockerfile": "FROM busybox\nADD one.tar.gz two.tar.gz plain /to/\n",
        "one.tar.gz": _archive(a="1", b="2"),
        "two.tar.gz": _archive(b="3", c="4"),
        "plain": "text",
    },
    "nothing to begin with": {
        "Dockerfile": "FROM scratch\nCOPY Dockerfile /bin/true\nWORKDIR made\n",
    },
    "RUN changes and removes": {
        "Dockerfile": """\
FROM busybox
RUN echo x > /etc/new && chmod 600 /etc/new && chown 3:4 /etc/new
RUN rm -rf /etc/new && mkdir /etc/new && touch /etc/new/in
RUN ["/bin/sh", "-c", "echo $HOME > /home.txt"]
"""
    },
}


@pytest.mark.parametrize("name", CASES)
def test_a_dockerfile_makes_what_docker_makes_of_it(
    name: str,
    builder: Wherry,
    base_in_docker: Dockerd,
    context: Callable[[Files], Path],
    tmp_path: Path,
) -> None:
    folder = context(CASES[name])

    builder("build", "-q", "-t", "case", str(folder))
    buildkit_build(base_in_docker, "-q", "-t", "case", str(folder))

    ours, theirs = tmp_path / "ours.tar", tmp_path / "theirs.tar"
    builder("save", "-o", str(ours), "case")
    base_in_docker.docker("save", "-o", str(theirs), "case")
    our_config, their_config = saved_config(ours.read_bytes()), saved_config(theirs.read_bytes())
    assert _comparable(our_config) == _comparable(their_config)
    assert _history(our_config) == _history(their_config)

    for run, place in ((builder, ours), (base_in_docker.docker, theirs)):
        run("create", "--name", "shown", "--entrypoint", "/bin/true", "case")
        run("export", "-o", str(place), "shown")
        run("rm", "-v", "shown")
    assert tree_of(ours) == tree_of(theirs)


def _comparable(config: dict[str, object]) -> dict[str, object]:
    """The configuration without what is of one engine, and empty values."""
    document = config["config"]
    assert isinstance(document, dict)
    skipped = ("Image", "Hostname", "Domainname", "ArgsEscaped")
    return {key: value for key, value in sorted(document.items()) if value and key not in skipped}


def _history(config: dict[str, object]) -> list[tuple[str, bool]]:
    """Each instruction's keyword, and whether it made no layer."""
    history = config["history"]
    assert isinstance(history, list)
    out = []
    for entry in history:
        text = entry.get("created_by", "")
        text = text.removeprefix("/bin/sh -c #(nop)").removeprefix("/bin/sh -ec #(nop)").strip()
        word = text.split(" ")[0] if text else ""
        if word.startswith(("/bin/sh", "|")):
            word = "RUN"
        out.append((word, bool(entry.get("empty_layer"))))
    return out


CELLS = [
    (entrypoint, command)
    for entrypoint in ("", "ENTRYPOINT echo e", 'ENTRYPOINT ["echo", "e"]')
    for command in ("", "CMD echo c", 'CMD ["echo", "c"]')
]


@pytest.mark.parametrize(("entrypoint", "command"), CELLS)
def test_entrypoint_and_command_meet_as_in_docker(
    entrypoint: str,
    command: str,
    builder: Wherry,
    base_in_docker: Dockerd,
    context: Callable[[Files], Path],
) -> None:
    folder = context({"Dockerfile": f"FROM scratch\nCOPY bin /bin\n{entrypoint}\n{command}\n"})
    (folder / "bin").mkdir()
    busybox = Path(subprocess.check_output(["sh", "-c", "command -v busybox"], text=True).strip())
    for name in ("sh", "echo"):
        (folder / "bin" / name).write_bytes(busybox.read_bytes())
        (folder / "bin" / name).chmod(0o755)

    builder("build", "-q", "-t", "cell", str(folder))
    buildkit_build(base_in_docker, "-q", "-t", "cell", str(folder))

    ours = builder("run", "--rm", "cell", check=False)
    theirs = base_in_docker.docker("run", "--rm", "cell", check=False)
    assert (ours.stdout, ours.returncode) == (theirs.stdout, theirs.returncode)
    if not entrypoint and not command:
        assert "no command specified" in ours.stderr
