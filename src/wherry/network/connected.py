"""What a container's supervisor keeps open for its networks."""

from wherry.network.name_sockets import NameSockets
from wherry.network.ports import Published
from wherry.network.resolve import Resolver
from wherry.values import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Connected:
    """Published ports, and the sockets of the name service, as far as there are any.

    `resolver` is what has answered for the name service before that was there.
    """

    published: Published | None = None
    names: NameSockets | None = None
    resolver: Resolver | None = None

    def close(self) -> None:
        if self.published is not None:
            self.published.close()
        if self.names is not None:
            self.names.close()
