"""wherry version"""

from wherry.cli.context import Context
from wherry.cli.flags import FlagSet, String, Syntax
from wherry.version import __version__

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

    from wherry.cli.inspection import BadTemplate
    from wherry.cli.templates.errors import ParseError
    from wherry.cli.templates.template import Template
    from wherry.cli.templates.values import Struct
    from wherry.engine.documents.version import API_VERSION, version_document

    server = version_document()
    client = {
        "Version": __version__,
        "ApiVersion": API_VERSION,
        "DefaultAPIVersion": API_VERSION,
        "GitCommit": "",
        "GoVersion": "",
        "Os": "linux",
        "Arch": server["Arch"],
        "BuildTime": "",
        "Context": "default",
    }
    document = {"Client": client, "Server": server}
    if template == "json":
        context.out(json.dumps(document, separators=(",", ":")))
    else:
        # In templates one field has another name than in JSON.
        typed = {
            side: Struct({**fields, "APIVersion": fields["ApiVersion"]})
            for side, fields in document.items()
        }
        try:
            context.out(Template(template, "version").execute(Struct(typed)))
        except ParseError as error:
            raise BadTemplate(error) from error
