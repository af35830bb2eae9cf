"""wherry version"""

from wherry.cli.context import Context
from wherry.cli.flags import FlagSet, String, Syntax
from wherry.version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wherry.cli.templates.values import Struct

SYNTAX = Syntax("[OPTIONS]")


class Flags(FlagSet):
    format = String("f", "Format output using a custom template, or 'json'")


def run(flags: Flags, context: Context) -> None:
    import os  # the engine is not asked: it is this very program

    machine = os.uname()
    if flags.format:
        _print_formatted(flags.format, context)
        return
    rows = (
        ("Version", __version__),
        ("API version", "1.50 (minimum version 1.24)"),
        ("OS/Arch", f"linux/{machine.machine}"),
        ("Kernel", machine.release),
    )
    context.out("Wherry:")
    for title, text in rows:
        context.out(f" {title + ':':<17} {text}")


def _print_formatted(template: str, context: Context) -> None:
    # Docker's document has a client and a server; here both are this program.
    import json

    from wherry.cli.client_version import client_document
    from wherry.cli.inspection import print_template
    from wherry.engine.documents.version import version_document

    client, server = client_document(), version_document()
    if template == "json":
        context.out(json.dumps({"Client": client, "Server": server}, separators=(",", ":")))
    else:
        print_template(context, template, _typed(client, server), name="version")


def _typed(client: dict[str, object], server: "dict[str, Any]") -> "Struct":
    """With the types of Docker's; in templates one field has another name than in JSON."""
    from wherry.cli.client_version import CLIENT_TYPE
    from wherry.cli.templates.values import NIL_POINTER, Map, Struct

    components = [
        Struct({**each, "Details": Map(each["Details"])}, type_name="types.ComponentVersion")
        for each in server["Components"]
    ]
    sides = {
        "Client": Struct(
            {**client, "APIVersion": client["ApiVersion"], "Platform": NIL_POINTER},
            type_name=CLIENT_TYPE,
        ),
        "Server": Struct(
            {
                **server,
                "APIVersion": server["ApiVersion"],
                "Experimental": False,
                "BuildTime": "",
                "Platform": Struct(server["Platform"]),
                "Components": components,
            },
            type_name="*types.Version",
        ),
    }
    return Struct(sides, type_name="system.versionInfo")
