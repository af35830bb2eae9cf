"""What of the machine's apt configuration an image needs to reach the same mirrors.

Proxies, certificates, and how much is demanded of a mirror's dates go into the image; passwords
and private keys do not, whoever pulls the image would have them.
"""

import os
import re
import shlex
import subprocess
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from wherry.values import dataclass

_ENTRY = re.compile(r'(?P<key>[^ ]+) "(?P<value>.*)";')
_WANTED = re.compile(
    r"Acquire::("
    r"Check-Valid-Until|Check-Date|Max-ValidTime(::.+)?|Min-ValidTime(::.+)?|ForceIPv[46]|Retries"
    r"|https?::Proxy(::.+)?|https?::Timeout|https?::Pipeline-Depth"
    r"|https::(CaInfo|CaPath|Verify-Peer|Verify-Host)(::.+)?"
    r"|https::[^:]+::(CaInfo|CaPath|Verify-Peer|Verify-Host)"
    r")",
    re.IGNORECASE,
)
_DETECTORS = ("acquire::http::proxy-auto-detect", "acquire::http::proxyautodetect")
_SECRETS = re.compile(r"Acquire::https::.*Ssl(Cert|Key)", re.IGNORECASE)
_LOCAL_AUTHORITIES = Path("/usr/local/share/ca-certificates")


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """`options` are lines for apt; `files` are certificates and keys, by path, of the machine.

    `temporary` is used while the image is made and does not stay in it.
    """

    options: tuple[str, ...]
    temporary: tuple[str, ...]
    files: tuple[Path, ...]
    warnings: tuple[str, ...]


def machine_settings(uris: Iterable[str], environment: Mapping[str, str] = os.environ) -> Settings:
    """The machine's settings for mirrors at `uris`."""
    dump = subprocess.run(
        ["apt-config", "dump", "--no-empty", "--format", '%F "%v";%n'],
        capture_output=True,
        text=True,
        check=True,
    )
    return settings_of(dump.stdout, list(uris), environment, _detected_proxy)


def settings_of(
    dump: str,
    uris: list[str],
    environment: Mapping[str, str],
    detect: Callable[[str, str], str],
) -> Settings:
    """What `apt-config dump` printed, cut down to what an image needs."""
    entries = [(m["key"], m["value"]) for m in map(_ENTRY.fullmatch, dump.splitlines()) if m]
    wanted = {key: value for key, value in entries if _WANTED.fullmatch(key)}
    wanted |= _proxies(entries, wanted, uris, environment, detect)
    kept, temporary, warnings = _without_passwords(wanted)
    secure = any(uri.startswith("https:") for uri in uris)
    if any(_SECRETS.fullmatch(key) for key, _ in entries):
        warnings.append("apt's client certificate is not copied into the image")
    files = [Path(value) for key, value in kept.items() if key.lower().endswith("cainfo")]
    if secure and _LOCAL_AUTHORITIES.is_dir():
        files += sorted(_LOCAL_AUTHORITIES.rglob("*.crt"))
    return Settings(
        options=tuple(f'{key} "{value}";' for key, value in kept.items()),
        temporary=tuple(f'{key} "{value}";' for key, value in temporary.items()),
        files=tuple(path for path in files if path.is_file()),
        warnings=tuple(warnings),
    )


def _proxies(
    entries: list[tuple[str, str]],
    wanted: Mapping[str, str],
    uris: list[str],
    environment: Mapping[str, str],
    detect: Callable[[str, str], str],
) -> dict[str, str]:
    """Proxies that apt would find in the environment, or by asking a program."""
    found: dict[str, str] = {}
    for scheme in sorted({urlsplit(uri).scheme for uri in uris} & {"http", "https"}):
        key = f"Acquire::{scheme}::Proxy"
        proxy = environment.get(f"{scheme}_proxy") or environment.get("all_proxy", "")
        if proxy and key not in wanted:
            found[key] = proxy
    detectors = [value for key, value in entries if key.lower() in _DETECTORS and value]
    for uri in uris if detectors else []:
        address = urlsplit(uri)
        proxy = detect(detectors[-1], uri)
        if proxy:
            found[f"Acquire::{address.scheme}::Proxy::{address.hostname}"] = proxy
    return found


def _detected_proxy(program: str, uri: str) -> str:
    """What the machine's own program answers for the mirror; apt.conf(5), Proxy-Auto-Detect."""
    answer = subprocess.run(
        [*shlex.split(program), uri], capture_output=True, text=True, check=False, timeout=30
    )
    return answer.stdout.strip() if answer.returncode == 0 else ""


def _without_passwords(
    wanted: Mapping[str, str],
) -> tuple[dict[str, str], dict[str, str], list[str]]:
    kept: dict[str, str] = {}
    temporary: dict[str, str] = {}
    warnings: list[str] = []
    for key, value in wanted.items():
        if "::proxy" in key.lower() and "@" in urlsplit(value).netloc:
            temporary[key] = value
            warnings.append(
                f"the proxy {without_password(value)} asks for a password, which is not kept in "
                "the image: apt in a container has to be told of it"
            )
        else:
            kept[key] = value
            if _is_on_loopback(value):
                warnings.append(f"the proxy {value} cannot be reached from a container's network")
    return kept, temporary, warnings


def without_password(uri: str) -> str:
    """The address without user and password."""
    address = urlsplit(uri)
    return urlunsplit(address._replace(netloc=address.netloc.rpartition("@")[2]))


def _is_on_loopback(value: str) -> bool:
    host = urlsplit(value).hostname or ""
    return host == "localhost" or host.startswith("127.") or host == "::1"
