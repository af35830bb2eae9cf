"""Other OCI runtimes than our own, by name or path: --runtime."""

from wherry.errors import InvalidArgument

OWN = ("", "wherry", "wherry-runtime")
KNOWN = ("runc", "crun", "youki", "runsc", "kata-runtime")


class UnknownRuntime(InvalidArgument):
    def __init__(self, name: str) -> None:
        super().__init__(f"unknown or invalid runtime name: {name}")


def check_runtime(name: str) -> None:
    """Raise UnknownRuntime unless `name` is ours or an installed one."""
    if name not in OWN:
        runtime_program(name)


def runtime_program(name: str) -> str:
    """The path of another runtime's program."""
    import shutil  # for the few who name one

    program = shutil.which(name) if name in KNOWN or name.startswith("/") else None
    if program is None:
        raise UnknownRuntime(name)
    return program
