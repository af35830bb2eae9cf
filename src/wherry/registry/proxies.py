"""The proxy for an address, by the environment: HTTP_PROXY, HTTPS_PROXY, NO_PROXY.

As Go reads them (golang.org/x/net/http/httpproxy): names in either case, NO_PROXY with names,
`.suffixes`, addresses, networks and ports; loopback never goes through a proxy.
"""

from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from wherry.errors import InvalidArgument, Unsupported

_DEFAULT_PORTS = {"http": 80, "https": 443}


class InvalidProxy(InvalidArgument):
    def __init__(self, text: str) -> None:
        super().__init__(f"invalid proxy address {text!r}")


class UnsupportedProxy(Unsupported):
    def __init__(self, scheme: str) -> None:
        super().__init__(f"proxies are spoken to by http or https, not {scheme}")


def proxy_for(url: str, environ: Mapping[str, str]) -> str | None:
    """The proxy's URL, or None when `url` is to be reached directly."""
    parts = urlsplit(url)
    text = _variable(environ, f"{parts.scheme}_proxy")
    host = parts.hostname or ""
    if not text or _is_direct(host, parts.port or _DEFAULT_PORTS[parts.scheme], environ):
        return None
    proxy = text if "://" in text else f"http://{text}"
    try:
        found = urlsplit(proxy)
        valid = bool(found.hostname) and found.port != 0
    except ValueError:
        raise InvalidProxy(text) from None
    if not valid:
        raise InvalidProxy(text)
    if found.scheme not in _DEFAULT_PORTS:
        raise UnsupportedProxy(found.scheme)
    return proxy


def _variable(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name.upper()) or environ.get(name) or ""


def _is_direct(host: str, port: int, environ: Mapping[str, str]) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        address = None
    if host == "localhost" or (address is not None and address.is_loopback):
        return True
    for entry in _variable(environ, "no_proxy").split(","):
        word = entry.strip().lower()
        if word == "*":
            return True
        if not word:
            continue
        if address is not None:
            try:
                if address in ip_network(word, strict=False):
                    return True
            except ValueError:
                pass
        name, _, wanted = word.rpartition(":") if word.count(":") == 1 else (word, "", "")
        if wanted and wanted != str(port):
            continue
        name = name.removeprefix("*")
        bare = host.lower()
        if bare == name.removeprefix(".") and (not name.startswith(".") or address is not None):
            return True
        if bare.endswith(name if name.startswith(".") else f".{name}"):
            return True
    return False
