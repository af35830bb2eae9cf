"""firewalld, where it runs: it rejects what comes from links that are in none of its zones.

Our bridges are put into its zone `trusted` for as long as it runs, as Docker puts its own into a
zone `docker`; a reload keeps them there. What our own table drops it drops all the same.
"""

from collections.abc import Collection, Iterable

from wherry.linux import nftables

_SERVICE = "org.fedoraproject.FirewallD1"
_ZONE = "trusted"
TABLE = "firewalld"


def trust_bridges(bridges: Collection[str]) -> None:
    """Let firewalld pass what goes over our bridges. OSError when it is there and refuses."""
    if bridges and runs():
        _change("addInterface", bridges, there=False)


def forget_bridge(bridge: str) -> None:
    """Undo that for a bridge that is about to go."""
    if runs():
        _change("removeInterface", (bridge,), there=True)


def runs() -> bool:
    """Whether the host's packets pass firewalld's rules."""
    tables = nftables.run("list tables").split("\n")
    return f"table inet {TABLE}" in tables


def _change(member: str, bridges: Iterable[str], *, there: bool) -> None:
    from wherry.linux.dbus import Interface, NoService, SystemBus  # few hosts have firewalld

    zone = Interface(_SERVICE, "/org/fedoraproject/FirewallD1", f"{_SERVICE}.zone")
    try:
        with SystemBus() as bus:
            (trusted,) = bus.call(zone, "getInterfaces", "s", _ZONE)
            assert isinstance(trusted, list)
            for bridge in bridges:
                if (bridge in trusted) == there:
                    bus.call(zone, member, "ss", _ZONE, bridge)
    except (NoService, FileNotFoundError):
        return  # its rules are there, without whom to ask
