"""TLS contexts: the system's authorities, and what the folders of one registry add.

    /etc/docker/certs.d/<host:port>/*.crt     authorities
                                    *.cert    a client certificate, its key in the .key beside it

The same under /etc/wherry/certs.d and ~/.config/wherry/certs.d. As Docker does, authorities of
a folder are trusted beside the system's.
"""

import os
import ssl
from collections.abc import Mapping
from pathlib import Path

from wherry.errors import InvalidArgument


class InvalidCertificate(InvalidArgument):
    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path


def certificate_folders(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Where folders of registries may be."""
    base = environ.get("XDG_CONFIG_HOME")
    config = Path(base) if base else Path(environ.get("HOME") or "/root") / ".config"
    return (
        Path("/etc/docker/certs.d"),
        Path("/etc/wherry/certs.d"),
        config / "wherry" / "certs.d",
    )


def tls_context(host: str, folders: tuple[Path, ...], *, verify: bool) -> ssl.SSLContext:
    """The context for connections to `host`, which has its port if that is not 443."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    for folder in folders:
        _add_folder(context, folder / host)
    return context


def _add_folder(context: ssl.SSLContext, folder: Path) -> None:
    try:
        names = sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return
    for name in names:
        path = folder / name
        try:
            if path.suffix == ".crt":
                context.load_verify_locations(path)
            elif path.suffix == ".cert":
                key = path.with_suffix(".key")
                if key.name not in names:
                    raise InvalidCertificate(
                        path, f"missing key {key.name} for client certificate {name}"
                    )
                context.load_cert_chain(path, key)
        except (ssl.SSLError, OSError) as error:
            raise InvalidCertificate(path, str(error)) from error
