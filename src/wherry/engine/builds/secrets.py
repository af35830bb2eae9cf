"""Files that look like keys, passwords or tokens: by their name, and where that is not enough by
what is in them.
"""

import os
from fnmatch import fnmatchcase

from wherry.linux.openat import open_beneath, opened

_LOOKED_AT = 64 << 10  # bytes of a file
_BY_NAME = (
    *("id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "*.p12", "*.pfx", "*.jks", "*.keystore"),
    *("*.kdbx", "*.ppk", ".git-credentials", ".netrc", "_netrc", ".pgpass", ".htpasswd"),
    *("*.tfstate", ".vault-token", "*.ovpn"),
)
_BY_PATH = (
    *("*.aws/credentials", "*.docker/config.json", "*.kube/config", "*.gnupg/*.key"),
    *("*.config/gcloud/*credentials*.json", "*.azure/*.json"),
)
_PRIVATE_KEY = (b"PRIVATE KEY-----",)
_BY_CONTENT = (
    ("*.pem", _PRIVATE_KEY),
    ("*.key", _PRIVATE_KEY),
    (".npmrc", (b"_authToken", b"_password", b"_auth=")),
    (".yarnrc.yml", (b"npmAuthToken:", b"npmAuthIdent:")),
    (".pypirc", (b"password",)),
    ("pip.conf", (b"@",)),
    ("kubeconfig*", (b"client-key-data:", b"token:")),
    ("*.json", (b'"private_key"',)),
)
_EXAMPLES = ("example", "sample", "template", "dist", "defaults")
_TELLING = (b"PASSWORD", b"PASSWD", b"SECRET", b"TOKEN", b"API_KEY", b"PRIVATE_KEY", b"_KEY")


def looks_secret(root: int, path: str) -> bool:
    """Whether the file at `path` below `root` does; one that cannot be read goes by its name."""
    name = path.rpartition("/")[2]
    if any(fnmatchcase(name, pattern) for pattern in _BY_NAME):
        return True
    if any(fnmatchcase(f"/{path}", f"*/{pattern.lstrip('*')}") for pattern in _BY_PATH):
        return True
    if name == ".env" or name.startswith(".env."):
        return name.rpartition(".")[2] not in _EXAMPLES and _sets_a_secret(_read(root, path))
    return any(
        any(sign in _read(root, path) for sign in signs)
        for pattern, signs in _BY_CONTENT
        if fnmatchcase(name, pattern)
    )


def _sets_a_secret(data: bytes) -> bool:
    """Whether some variable with a telling name has a value."""
    for line in data.splitlines():
        name, equals, value = line.strip().partition(b"=")
        if equals and value.strip(b" \"'") and any(word in name.upper() for word in _TELLING):
            return True
    return False


def _read(root: int, path: str) -> bytes:
    try:
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW
        with opened(open_beneath(root, path, flags)) as descriptor:
            return os.read(descriptor, _LOOKED_AT)
    except OSError:
        return b""
