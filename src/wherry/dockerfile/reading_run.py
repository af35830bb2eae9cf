"""What can be checked of RUN before variables are known."""

from wherry.dockerfile.errors import Fault
from wherry.dockerfile.instructions import Run
from wherry.dockerfile.mounts import InvalidMount, check_source_stage, read_device, read_mount
from wherry.dockerfile.statement import Word
from wherry.dockerfile.words import Expander, InvalidWord
from wherry.go_text import quoted

_NETWORKS = ("default", "none", "host")
_SECURITIES = ("sandbox", "insecure")


def check_run(run: Run, network: Word | None, security: Word | None, escape: str) -> None:
    """A Fault at the first flag that holds what it cannot."""
    expander = Expander(escape)
    for mount in run.mounts:
        try:
            check_source_stage(mount.text)
            if "$" not in mount.text:
                read_mount(mount.text, lambda text: expander.expand(text, {}).text)
        except (InvalidMount, InvalidWord) as error:
            raise Fault(error.message, mount.span) from error
    for device in run.devices:
        try:
            read_device(device.text)
        except InvalidMount as error:
            raise Fault(error.message, device.span) from error
    if network is not None and network.text not in _NETWORKS:
        raise Fault(f"invalid network mode {quoted(network.text)}", network.span)
    if security is not None and security.text not in _SECURITIES:
        raise Fault(f"security {quoted(security.text)} is not valid", security.span)
