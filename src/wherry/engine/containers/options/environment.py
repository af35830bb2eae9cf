"""--env, --env-file, --label and --label-file: `KEY=VALUE` texts and files of them.

A file has one to a line, as it is: a `#` counts as a comment only at the start of a line, quotes
are part of the value, nothing is expanded. A name alone takes its value from the caller's
environment, or is dropped when it has none; of a label file it is dropped always.
"""

import os
import stat
from collections.abc import Callable, Mapping

from wherry.engine.containers.options.values import Options
from wherry.errors import InvalidArgument
from wherry.go_text import reason
from wherry.linux.openat import opened
from wherry.oci.labels import checked_label


class InvalidEnvFile(InvalidArgument):
    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"invalid env file ({name}): {problem}")


_LARGEST_FILE = 16 << 20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read_environment(options: Options, cwd: str, environ: Mapping[str, str]) -> tuple[str, ...]:
    """What --env-file and then --env ask for; of a repeated name the last."""
    variables: list[str] = []
    for name in options.texts("env_file"):
        variables += _read_file(name, cwd, environ.get)
    for text in options.all_parsed("env", checked_variable):
        if "=" in text:
            variables.append(text)
        elif text in environ:
            variables.append(f"{text}={environ[text]}")
        else:
            # Docker sends the name alone: the daemon then removes it from the image's own.
            variables.append(text)
    return tuple({text.partition("=")[0]: text for text in variables}.values())


def read_labels(options: Options, cwd: str) -> dict[str, str]:
    texts: list[str] = []
    for name in options.texts("label_file"):
        texts += _read_file(name, cwd, lambda _key: None)
    texts += options.all_parsed("label", checked_label)
    return {key: value for key, _, value in (text.partition("=") for text in texts)}


def checked_variable(text: str) -> str:
    if not text.partition("=")[0]:
        raise ValueError(f"invalid environment variable: {text}")
    return text


def _read_file(name: str, cwd: str, lookup: Callable[[str], str | None]) -> list[str]:
    # Docker's words differ: a file it cannot open is named without the "invalid env file".
    data = read_regular_file(os.path.join(cwd, name), name)
    texts = []
    for number, line in enumerate(data.removeprefix(_BYTE_ORDER_MARK).split(b"\n"), 1):
        line = line.removesuffix(b"\r")
        try:
            text = line.decode()
        except UnicodeDecodeError:
            shown = " ".join(map(str, line))
            raise InvalidEnvFile(name, f"invalid utf8 bytes at line {number}: [{shown}]") from None
        if entry := _read_line(name, text.lstrip(), lookup):
            texts.append(entry)
    return texts


def _read_line(name: str, line: str, lookup: Callable[[str], str | None]) -> str | None:
    if not line or line.startswith("#"):
        return None
    variable, equals, value = line.partition("=")
    if not variable:
        raise InvalidEnvFile(name, f"no variable name on line '{line}'")
    if any(character.isspace() for character in variable):
        raise InvalidEnvFile(name, f"variable '{variable}' contains whitespaces")
    if equals:
        return f"{variable}={value}"
    found = lookup(variable)
    return None if found is None else f"{variable}={found}"


class UnreadableFile(InvalidArgument):
    status = 125  # for `run`, whatever the reason: what it says is not about the program

    def __init__(self, shown: str, error: OSError) -> None:
        super().__init__(f"open {shown}: {reason(error)}")


def read_regular_file(path: str, shown: str) -> bytes:
    """The bytes of a file the user names; a FIFO or a device is refused, not waited for."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise UnreadableFile(shown, error) from error
    with opened(descriptor):  # Python makes no file object of a directory
        kind = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(kind):
            raise InvalidEnvFile(shown, f"read {shown}: is a directory")
        if not stat.S_ISREG(kind):
            raise InvalidArgument(f"open {shown}: not a regular file")
        with open(descriptor, "rb", closefd=False) as file:
            data = file.read(_LARGEST_FILE + 1)
    if len(data) > _LARGEST_FILE:
        raise InvalidArgument(f"open {shown}: larger than {_LARGEST_FILE} bytes")
    return data
