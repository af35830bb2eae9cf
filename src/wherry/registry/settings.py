"""Which registries are reached in another way than by HTTPS under their own name.

    [registry."docker.io"]
    mirrors = ["https://mirror.example:5000"]

    [registry."registry.internal:5000"]
    insecure = true        # certificates are not checked, plain HTTP is tried too

The administrator's file is /etc/wherry/config.toml, a user's ~/.config/wherry/config.toml; what
the user's says about a registry replaces what the other says about it. Docker's own
`insecure-registries` and `registry-mirrors` in /etc/docker/daemon.json count as well. As with
Docker, a registry on the loopback interface needs no configuration to be insecure.
"""

import json
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path

from wherry.oci.reference import DEFAULT_DOMAIN
from wherry.store.config_file import InvalidConfiguration, config_files, table_in
from wherry.values import dataclass, field

DOCKER_FILE = Path("/etc/docker/daemon.json")
HUB_HOST = "registry-1.docker.io"
_LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
_LARGEST_FILE = 1 << 20

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, kw_only=True, slots=True)
class RegistrySettings:
    """What is configured for one registry."""

    mirrors: tuple[str, ...] = ()
    insecure: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """One server that has a registry's content. The first scheme that answers is used."""

    host: str  # with its port, if it has one
    schemes: tuple[str, ...]
    verify: bool
    is_mirror: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    registries: Mapping[str, RegistrySettings] = field(default_factory=dict)
    insecure_networks: tuple[Network, ...] = _LOOPBACK

    def endpoints(self, domain: str, *, with_mirrors: bool = True) -> list[Endpoint]:
        """Where to ask for what is called `domain`/..., in order."""
        own = self.registries.get(domain, RegistrySettings())
        found = [self._mirror(text) for text in own.mirrors] if with_mirrors else []
        host = HUB_HOST if domain == DEFAULT_DOMAIN else domain
        return [*found, self._endpoint(host, insecure=own.insecure)]

    def _endpoint(self, host: str, *, insecure: bool, is_mirror: bool = False) -> Endpoint:
        insecure = insecure or self._is_insecure(host)
        schemes = ("https", "http") if insecure else ("https",)
        return Endpoint(host=host, schemes=schemes, verify=not insecure, is_mirror=is_mirror)

    def _mirror(self, text: str) -> Endpoint:
        scheme, separator, host = text.rpartition("://")
        host = host.rstrip("/")
        if scheme == "http":
            return Endpoint(host=host, schemes=("http",), verify=True, is_mirror=True)
        found = self._endpoint(host, insecure=False, is_mirror=True)
        if separator:
            return Endpoint(host=host, schemes=("https",), verify=found.verify, is_mirror=True)
        return found

    def _is_insecure(self, host: str) -> bool:
        if self.registries.get(host, RegistrySettings()).insecure:
            return True
        name = host_name(host)
        if name == "localhost":
            return True
        try:
            address = ip_address(name)
        except ValueError:
            # Docker looks the name up; then whoever answers for a name could turn TLS off.
            return False
        return any(address in network for network in self.insecure_networks)


def host_name(host: str) -> str:
    """The name or address in `host`, without port and brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def load_settings(environ: Mapping[str, str]) -> Settings:
    """What the machine's files and the user's say; InvalidConfiguration names one that is wrong."""
    registries: dict[str, RegistrySettings] = {}
    networks: list[Network] = list(_LOOPBACK)
    for entry in _docker_entries(DOCKER_FILE):
        if isinstance(entry, str):
            before = registries.get(entry, RegistrySettings())
            registries[entry] = RegistrySettings(mirrors=before.mirrors, insecure=True)
        elif isinstance(entry, RegistrySettings):
            registries[DEFAULT_DOMAIN] = entry
        else:
            networks.append(entry)
    for path in config_files(environ):
        registries.update(_own_entries(path))
    return Settings(registries=registries, insecure_networks=tuple(networks))


def _own_entries(path: Path) -> dict[str, RegistrySettings]:
    tables = table_in(path, "registry")
    return {host: _settings_of(path, host, table) for host, table in tables.items()}


def _settings_of(path: Path, host: str, table: object) -> RegistrySettings:
    where = f'registry."{host}"'
    if not isinstance(table, dict):
        raise InvalidConfiguration(path, f"{where} must be a table")
    if unknown := sorted(set(table) - {"mirrors", "insecure"}):
        raise InvalidConfiguration(path, f"{where}.{unknown[0]} is not known")
    mirrors, insecure = table.get("mirrors", []), table.get("insecure", False)
    if not isinstance(mirrors, list) or not all(isinstance(item, str) for item in mirrors):
        raise InvalidConfiguration(path, f"{where}.mirrors must be an array of strings")
    if not isinstance(insecure, bool):
        raise InvalidConfiguration(path, f"{where}.insecure must be true or false")
    return RegistrySettings(mirrors=tuple(mirrors), insecure=insecure)


def _docker_entries(path: Path) -> Iterator[str | Network | RegistrySettings]:
    """Docker's insecure hosts and networks, and its mirrors, which are those of Docker Hub."""
    data = _read(path)
    if data is None:
        return
    try:
        document = json.loads(data)
    except ValueError as error:
        raise InvalidConfiguration(path, str(error)) from None
    if not isinstance(document, dict):
        return
    if mirrors := _strings(document.get("registry-mirrors")):
        yield RegistrySettings(mirrors=tuple(mirrors))
    for text in _strings(document.get("insecure-registries")):
        try:
            yield ip_network(text)
        except ValueError:
            yield text.rpartition("://")[2].rstrip("/")


def _strings(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _read(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST_FILE)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return None
