"""SHELL with pipefail: which one a stage could have, and whether its builds would be the same.

    FROM debian:12                               FROM debian:12
    RUN wget -qO- https://example.com | tar x    SHELL ["/bin/bash", "-o", "pipefail", "-c"]
                                                 RUN wget -qO- https://example.com | tar x

A pipe that nobody noticed to fail fails from then on; that is what is asked for. But a reader that
stops early (`head`, `grep -q`) makes its writer fail, and a writer may fail for good reasons
(`grep` without a match). Where neither can be, and the shell is one that reads the RUNs the same
way, the result is the same.
"""

from wherry.dockerfile.instructions import Cmd, Entrypoint, Healthcheck, Onbuild, Shell
from wherry.lint.document import Document, RunStep
from wherry.lint.images import ImageName
from wherry.lint.shell import Command

BASH = "/bin/bash"
ASH = "/bin/ash"
_WITH_BASH = (
    *("debian", "ubuntu", "buildpack-deps", "python", "node", "golang", "ruby", "php", "rust"),
    *("perl", "gcc", "openjdk", "eclipse-temurin", "fedora", "centos", "rockylinux", "almalinux"),
    *("amazonlinux", "nginx", "httpd", "postgres"),
)
_WITH_ASH = ("alpine", "busybox")
_BOTH = ("gpg", "base64", "gzip", "gunzip", "xz", "unxz", "bzip2", "bunzip2", "tr", "sort", "cat")
_WRITERS = (*_BOTH, "echo", "printf", "curl", "wget", "zcat", "xzcat", "bzcat")
_READERS = (
    *(*_BOTH, "tar", "apt-key", "tee", "chpasswd", "debconf-set-selections", "wc", "cpio"),
    *("md5sum", "sha1sum", "sha256sum", "sha512sum"),
)


def shell_of(document: Document, stage: int) -> str:
    """The shell with pipefail that the base of a stage has; "" if nobody knows."""
    stages = list(document.ancestry(stage))
    if not stages:  # in front of the first FROM
        return ""
    base = document.froms[stages[-1]][1].image.text
    image = ImageName.of(base)
    name = image.path.rpartition("/")[2]
    if "$" in base or image.domain:
        return ""
    if name in _WITH_ASH or "alpine" in image.tag:
        return ASH
    return BASH if name in _WITH_BASH else ""


def is_same(document: Document, first: RunStep, shell: str) -> bool:
    """Whether SHELL in front of `first` changes nothing but pipes that fail."""
    stage = first.step.stage
    concerned = {index for index in range(len(document.froms)) if stage in document.ancestry(index)}
    for step in document.of(Cmd, Entrypoint, Healthcheck, Onbuild, Shell):
        instruction = step.instruction
        command = getattr(instruction, "command", None)
        if step.stage in concerned and (command is None or not command.is_exec):
            return False  # these are the shell's too, or change it
    return all(
        _is_read_the_same(run, shell)
        for run in document.runs
        if run.step.stage in concerned and run.step.number >= first.step.number
    )


def _is_read_the_same(run: RunStep, shell: str) -> bool:
    if run.run.command.is_exec:
        return True
    script = run.script
    return (
        script.is_sound
        and all(map(_never_fails_by_itself, script.pipelines))
        # dash replaces backslashes in what it echoes, bash does not.
        and (shell == ASH or not any(_may_differ(run, each) for each in script.calls("echo")))
    )


def _may_differ(run: RunStep, echo: Command) -> bool:
    return "\\" in run.text[echo.start : echo.end] or echo.has_any("-e", "-E")


def _never_fails_by_itself(programs: tuple[str, ...]) -> bool:
    *writers, reader = programs
    return (
        reader in _READERS
        and all(writer in _WRITERS for writer in writers)
        and all(middle in _BOTH for middle in writers[1:])
    )
