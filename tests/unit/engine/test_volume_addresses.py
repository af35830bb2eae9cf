"""Names in the options of volumes over the network become numbers."""

import pytest

from wherry.engine.containers.volume_addresses import UnknownHost, with_addresses


@pytest.mark.parametrize(
    ("kind", "device", "data", "expected"),
    [
        ("nfs", ":/x", "addr=localhost,rw,nfsvers=4", (":/x", "addr=127.0.0.1,rw,nfsvers=4")),
        ("nfs", ":/x", "rw,addr=192.0.2.1", (":/x", "rw,addr=192.0.2.1")),
        ("nfs", ":/x", "addr=2001:db8::1", (":/x", "addr=2001:db8::1")),
        ("nfs", "localhost:/x", "rw", ("localhost:/x", "rw")),
        ("cifs", "//localhost/a%20b", "username=me", ("//127.0.0.1/a b", "username=me")),
        ("cifs", "//name/x", "addr=localhost", ("//name/x", "addr=127.0.0.1")),
        ("tmpfs", "tmpfs", "addr=localhost", ("tmpfs", "addr=localhost")),
    ],
)
def test_addresses_are_looked_up_where_docker_looks_them_up(
    kind: str, device: str, data: str, expected: tuple[str, str]
) -> None:
    assert with_addresses(kind, device, data) == expected


def test_a_host_that_is_not_known_is_named() -> None:
    with pytest.raises(UnknownHost, match=r"^lookup nobody\.invalid: no such host$"):
        with_addresses("nfs", ":/x", "addr=nobody.invalid")
