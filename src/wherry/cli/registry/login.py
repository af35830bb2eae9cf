"""wherry login"""

import os

from wherry.cli.context import Context, is_terminal
from wherry.cli.flags import Boolean, FlagSet, String, Syntax
from wherry.errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherry.registry.credentials import Credential

SYNTAX = Syntax(
    "[OPTIONS] [SERVER]",
    most=1,
    description="Authenticate to a registry.\nDefaults to Docker Hub if no server is specified.",
)
_LONGEST_SECRET = 1 << 16


class Flags(FlagSet):
    password = String("p", "Password or Personal Access Token (PAT)")
    password_stdin = Boolean("", "Take the Password or Personal Access Token (PAT) from stdin")
    username = String("u", "Username")


def run(flags: Flags, context: Context) -> None:
    from wherry.engine.registry.login import login, stored_credential  # HTTP and TLS
    from wherry.registry.credentials import Credential

    server = flags.operands[0] if flags.operands else ""
    username, password = flags.username, _password(flags, context)
    if not username and not password:
        known = stored_credential(server)
        if known is not None and (known.username or known.identity_token):
            _again(known, context)
            login(server, known)
            context.out("\nLogin Succeeded")
            return
    if not username or not password:
        username, password = _ask(username, password)
    done = login(server, Credential(username=username, password=password))
    if done.plain_file:
        context.err(
            f"\nWARNING! Your credentials are stored unencrypted in '{done.plain_file}'.\n"
            "Configure a credential helper to remove this warning. See\n"
            "https://docs.docker.com/go/credential-store/\n"
        )
    context.out("Login Succeeded")


def _password(flags: Flags, context: Context) -> str:
    if flags.given("password") and flags.password_stdin:
        raise InvalidArgument(
            "conflicting options: cannot specify both --password and --password-stdin"
        )
    if flags.given("password"):
        context.err("WARNING! Using --password via the CLI is insecure. Use --password-stdin.")
        return flags.password
    if not flags.password_stdin:
        return ""
    if not flags.username:
        raise InvalidArgument("the --password-stdin option requires --username to be set")
    with open(0, "rb", closefd=False) as stdin:
        text = stdin.read(_LONGEST_SECRET).decode(errors="surrogateescape")
    return text.removesuffix("\n").removesuffix("\r")


def _again(known: "Credential", context: Context) -> None:
    name = f" [Username: {known.username}]" if known.username else ""
    context.out(
        f"Authenticating with existing credentials...{name}\n\n"
        " Info -> To login with a different account, run 'wherry logout' followed by"
        " 'wherry login'\n"
    )
    context.flush()


def _ask(username: str, password: str) -> tuple[str, str]:
    if not is_terminal(0):
        raise InvalidArgument("Error: Cannot perform an interactive login from a non TTY device")
    from getpass import getpass  # for those who type

    if not username:
        os.write(1, b"Username: ")
        with open(0, closefd=False) as stdin:
            username = stdin.readline().strip()
        if not username:
            raise InvalidArgument("Error: Non-null Username Required")
    if not password:
        password = getpass("Password: ")
    if not password:
        raise InvalidArgument("Error: Password Required")
    return username, password
