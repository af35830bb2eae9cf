"""--network driver-opt: what Docker's drivers take for one endpoint.

com.docker.network.endpoint.ifname    the name of the interface in the container
com.docker.network.endpoint.sysctls   net.ipv4.conf.IFNAME.log_martians=1,...
"""

import re
from collections.abc import Mapping

from wherry.errors import InvalidArgument, Unsupported
from wherry.linux.interface_names import INTERFACE_NAME_LENGTH

INTERFACE_NAME = "com.docker.network.endpoint.ifname"
SYSCTLS = "com.docker.network.endpoint.sysctls"
_DOCKERS = "com.docker.network."
# Compiled when there is one.
_SYSCTL = r"net\.((?:ipv4|ipv6|mpls)(?:\.[a-z0-9_]+)*\.IFNAME(?:\.[a-z0-9_]+)+)=([^,\s]+)"


class InvalidEndpointOption(InvalidArgument):
    def __init__(self, key: str, value: str) -> None:
        super().__init__(f"invalid endpoint settings:\ninvalid value of {key}: {value}")


def check_endpoint_options(options: Mapping[str, str]) -> None:
    """Refuse what cannot be done, and of Docker's own what we do not have."""
    for key, value in options.items():
        if key == INTERFACE_NAME:
            fits = re.fullmatch(rf"[A-Za-z0-9_.-]{{1,{INTERFACE_NAME_LENGTH}}}", value)
            if not fits or value in (".", "..", "lo"):
                raise InvalidEndpointOption(key, value)
        elif key == SYSCTLS:
            sysctls_of(options, "")
        elif key.startswith(_DOCKERS):
            raise Unsupported(f"the endpoint option {key} is not supported")


def sysctls_of(options: Mapping[str, str], interface: str) -> dict[str, str]:
    """The settings of an interface, by their paths below /proc/sys/net."""
    text = options.get(SYSCTLS, "")
    settings = {}
    for part in text.split(",") if text else ():
        matched = re.fullmatch(_SYSCTL, part)
        if matched is None:
            raise InvalidEndpointOption(SYSCTLS, part)
        settings[matched[1].replace(".", "/").replace("IFNAME", interface)] = matched[2]
    return settings
