"""The PORTS column of ps."""

import pytest

from wherry.cli.ports import ports_text


def published(inside: int, outside: int, ip: str = "0.0.0.0") -> dict[str, object]:
    return {"IP": ip, "PrivatePort": inside, "PublicPort": outside, "Type": "tcp"}


def exposed(inside: int, protocol: str = "tcp") -> dict[str, object]:
    return {"PrivatePort": inside, "Type": protocol}


CASES: list[tuple[list[dict[str, object]], str]] = [
    ([], ""),
    ([exposed(80)], "80/tcp"),
    ([exposed(80), exposed(81), exposed(82), exposed(90)], "80-82/tcp, 90/tcp"),
    ([published(80, 8080), exposed(81, "udp")], "81/udp, 0.0.0.0:8080->80/tcp"),
    ([published(80, 80), published(81, 81)], "0.0.0.0:80-81->80-81/tcp"),
    ([published(81, 81), published(80, 80), published(83, 83)],
     "0.0.0.0:80-81->80-81/tcp, 0.0.0.0:83->83/tcp"),
    ([published(80, 8080), published(80, 8080, "::")],
     "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp"),
    ([published(80, 80, "::"), published(80, 80)], "0.0.0.0:80->80/tcp, [::]:80->80/tcp"),
]  # fmt: skip


@pytest.mark.parametrize(("ports", "text"), CASES)
def test_ports_are_folded_as_docker_folds_them(ports: list[dict[str, object]], text: str) -> None:
    assert ports_text(ports) == text
