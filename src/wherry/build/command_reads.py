"""What a RUN's command reads of files that were copied: nothing, some of them, or nobody knows.

Commands are told by their program. Of one that is not listed here it is unknown, and so
everything: advice must not break a build.
"""

import posixpath

from wherry.lint.shell import Command, read_script
from wherry.values import dataclass

# Programs that read nothing but what their words name.
_BY_NAME = frozenset(
    (
        *("apk", "apt", "apt-get", "apt-key", "dnf", "microdnf", "yum", "zypper", "dpkg", "rpm"),
        *("addgroup", "adduser", "groupadd", "useradd", "usermod", "passwd", "chpasswd"),
        *("cat", "cd", "chgrp", "chmod", "chown", "cp", "date", "echo", "grep", "head", "ln"),
        *("install", "locale-gen", "ls", "mkdir", "mv", "printf", "rm", "sed", "tail", "tee"),
        *("test", "touch"),
        *("curl", "gpg", "sha256sum", "tar", "unzip", "update-ca-certificates", "wget"),
        *("dpkg-reconfigure", "ldconfig", "setcap", "sleep", "true", "false", ":", "[", "set"),
        *("export", "pip", "pip3", "gem", "exit"),
    )
)
# Those that read files of the folder they run in without naming them.
_FILES = {
    ("bundle", "install"): ("Gemfile", "Gemfile.lock", ".ruby-version"),
    ("cargo", "fetch"): ("Cargo.toml", "Cargo.lock"),
    ("composer", "install"): ("composer.json", "composer.lock"),
    ("go", "mod"): ("go.mod", "go.sum"),
    ("npm", "ci"): ("package.json", "package-lock.json", "npm-shrinkwrap.json", ".npmrc"),
    ("npm", "i"): ("package.json", "package-lock.json", "npm-shrinkwrap.json", ".npmrc"),
    ("npm", "install"): ("package.json", "package-lock.json", "npm-shrinkwrap.json", ".npmrc"),
    ("pipenv", "install"): ("Pipfile", "Pipfile.lock"),
    ("pnpm", "install"): ("package.json", "pnpm-lock.yaml", ".npmrc"),
    ("yarn", "install"): ("package.json", "yarn.lock", ".yarnrc", ".yarnrc.yml"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Reads:
    """The copied files that are read; `everything` where that is not known."""

    files: frozenset[str] = frozenset()
    everything: bool = False


_EVERYTHING = Reads(everything=True)


def reads_of(script: str, files: frozenset[str], destination: str) -> Reads:
    """What of `files`, copied to `destination`, the shell script reads."""
    commands = read_script(script).commands
    if not commands or "<" in script:  # a file may be read without being a command's word
        return _EVERYTHING
    found: set[str] = set()
    for command in commands:
        reads = _of_command(command, files, destination)
        if reads.everything:
            return reads
        found |= reads.files
    return Reads(files=frozenset(found))


def _of_command(command: Command, files: frozenset[str], destination: str) -> Reads:
    found = set()
    operands = [word.text for word in command.words if not word.is_flag]
    unnamed = _FILES.get((command.name, operands[0] if operands else ""))
    if unnamed is None and command.name not in _BY_NAME:
        return _EVERYTHING
    if unnamed is not None:
        found |= {path for path in files if posixpath.basename(path) in unnamed}
    for word in command.words:
        if not word.is_known:
            return _EVERYTHING  # only the running shell knows what it names
        for text in _meant_by(word.text):
            named = _named(text, files, destination)
            if named.everything:
                return named
            found |= named.files
    return Reads(files=frozenset(found))


def _meant_by(word: str) -> tuple[str, ...]:
    """What a word may name: itself, behind `--flag=`, or behind the letter of `-rFILE`."""
    if word.startswith("--"):
        return (word.partition("=")[2],)
    return (word[2:],) if word.startswith("-") else (word,)


def _named(word: str, files: frozenset[str], destination: str) -> Reads:
    """The files that one word of a command means."""
    if not word:
        return Reads()
    if set(word) & set("*?["):
        return _EVERYTHING if "/" not in word or _is_inside(word, destination) else Reads()
    path = posixpath.normpath(word)
    target = destination.rstrip("/") or "/"
    if path in (".", "..") or path == target or target.startswith(f"{path.rstrip('/')}/"):
        return _EVERYTHING
    if path.startswith("/"):
        if not _is_inside(path, destination):
            return Reads()
        path = posixpath.relpath(path, target)
    hits = {each for each in files if _is_meant(path, each)}
    return Reads(files=frozenset(hits))


def _is_inside(path: str, destination: str) -> bool:
    return path.startswith(destination.rstrip("/") + "/")


def _is_meant(path: str, copied: str) -> bool:
    """Whether `path` may be the copied file, or a folder that it is in."""
    return (
        copied == path
        or copied.startswith(f"{path}/")
        or copied.endswith(f"/{path}")
        or posixpath.basename(copied) == posixpath.basename(path)
    )
