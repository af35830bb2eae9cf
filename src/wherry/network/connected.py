"""What a container's supervisor keeps open for its networks."""

from wherry.network.name_sockets import NameSockets
from wherry.network.ports import Published
from wherry.values import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Connected:
    """Published ports, and the sockets of the name service, as far as there are any."""

    published: Published | None = None
    names: NameSockets | None = None

    def close(self) -> None:
        if self.published is not None:
            self.published.close()
        if self.names is not None:
            self.names.close()
