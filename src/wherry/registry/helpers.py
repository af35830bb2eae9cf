"""Programs that keep credentials: docker-credential-NAME get|store|erase.

https://github.com/docker/docker-credential-helpers: the server's name goes in on standard input,
JSON comes out; what is wrong is said on standard output.
"""

import json
import re
import subprocess

from wherry.errors import InvalidArgument, Unavailable
from wherry.registry.errors import printable

_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_SECONDS = 60.0  # some ask a person
_NOT_FOUND = "credentials not found in native keychain"


class InvalidHelper(InvalidArgument):
    def __init__(self, name: str) -> None:
        super().__init__(f"invalid name of a credential helper: {name!r}")


class HelperFailed(Unavailable):
    def __init__(self, program: str, problem: str) -> None:
        super().__init__(f"error getting credentials - err: {program}: {problem}")


class Helper:
    """One helper program, by the name that follows `docker-credential-`."""

    def __init__(self, name: str) -> None:
        if not _NAME.fullmatch(name):
            raise InvalidHelper(name)
        self._program = f"docker-credential-{name}"

    def get(self, server: str) -> tuple[str, str] | None:
        """The user name and secret of `server`; None if the helper has none."""
        output = self._run("get", server)
        if output is None:
            return None
        try:
            document = json.loads(output)
            name, secret = document["Username"], document["Secret"]
        except (ValueError, TypeError, KeyError, RecursionError):
            raise HelperFailed(self._program, "its answer is not understood") from None
        if not isinstance(name, str) or not isinstance(secret, str):
            raise HelperFailed(self._program, "its answer is not understood")
        return name, secret

    def store(self, server: str, username: str, secret: str) -> None:
        document = {"ServerURL": server, "Username": username, "Secret": secret}
        self._run("store", json.dumps(document))

    def erase(self, server: str) -> None:
        self._run("erase", server)

    def _run(self, action: str, text: str) -> bytes | None:
        try:
            result = subprocess.run(
                [self._program, action],
                input=text.encode(),
                capture_output=True,
                check=False,
                timeout=_SECONDS,
            )
        except FileNotFoundError:
            raise HelperFailed(
                self._program,
                f'exec: "{self._program}": executable file not found in $PATH',
            ) from None
        except (OSError, subprocess.TimeoutExpired) as error:
            raise HelperFailed(self._program, str(error)) from error
        output = printable(result.stdout.decode(errors="replace"))
        if result.returncode != 0:
            if _NOT_FOUND in output:
                return None
            raise HelperFailed(self._program, f"exit status {result.returncode}, out: `{output}`")
        return result.stdout
