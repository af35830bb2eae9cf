"""wherry info"""

from collections.abc import Iterator
from typing import Any

from wherry.cli.context import Context
from wherry.cli.flags import FlagSet, String, Syntax
from wherry.cli.inspection import print_template
from wherry.cli.templates.values import Struct
from wherry.cli.units import bytes_size

SYNTAX = Syntax("[OPTIONS]")


class Flags(FlagSet):
    format = String("f", "Format output using a custom template, or 'json'")


def run(flags: Flags, context: Context) -> None:
    import json

    from wherry.engine.system.info import info_document  # --help does without the engine

    document: dict[str, Any] = info_document(context.engine)
    if flags.format:
        from wherry.cli.client_version import client_document

        client = client_document()
        del client["ApiVersion"]  # Docker's client has not asked for it here
        document["ClientInfo"] = {"Debug": False, **client, "Plugins": [], "Warnings": None}
    if flags.format == "json":
        context.out(json.dumps(document, separators=(",", ":")))
    elif flags.format:
        print_template(context, flags.format, _typed(document))
    else:
        for line in _lines(document):
            context.out(line)


def _typed(document: dict[str, Any]) -> Struct:
    """With the types of Docker's client, as far as people ask for their fields."""
    named = {
        "Plugins": "system.PluginsInfo",
        "Swarm": "swarm.Info",
        "ClientInfo": "*system.clientInfo",
    }
    parts = {key: Struct(document[key], type_name=kind) for key, kind in named.items()}
    return Struct({**document, **parts}, type_name="system.dockerInfo")


def _lines(info: dict[str, Any]) -> Iterator[str]:
    yield f"Containers: {info['Containers']}"
    for state in ("Running", "Paused", "Stopped"):
        yield f" {state}: {info[f'Containers{state}']}"
    yield f"Images: {info['Images']}"
    yield f"Wherry Version: {info['ServerVersion']}"
    yield f"Storage Driver: {info['Driver']}"
    for name, value in info["DriverStatus"]:
        yield f" {name}: {value}"
    yield f"Logging Driver: {info['LoggingDriver']}"
    yield f"Cgroup Driver: {info['CgroupDriver']}"
    yield f"Cgroup Version: {info['CgroupVersion']}"
    yield "Plugins:"
    for kind in ("Volume", "Network", "Log"):
        yield f" {kind}: {' '.join(info['Plugins'][kind])}"
    yield f"Runtimes: {' '.join(sorted(info['Runtimes']))}"
    yield f"Default Runtime: {info['DefaultRuntime']}"
    yield f"Init Binary: {info['InitBinary']}"
    yield "Security Options:"
    for option in info["SecurityOptions"]:
        name, *details = option.split(",")
        yield f"  {name.removeprefix('name=')}"
        for detail in details:
            key, _, value = detail.partition("=")
            yield f"   {key.capitalize()}: {value}"
    yield f"Kernel Version: {info['KernelVersion']}"
    yield f"Operating System: {info['OperatingSystem']}"
    yield f"OSType: {info['OSType']}"
    yield f"Architecture: {info['Architecture']}"
    yield f"CPUs: {info['NCPU']}"
    yield f"Total Memory: {bytes_size(info['MemTotal'])}"
    yield f"Name: {info['Name']}"
    yield f"ID: {info['ID']}"
    yield f"Wherry Root Dir: {info['DockerRootDir']}"
