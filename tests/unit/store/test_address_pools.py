"""The pools of an administrator, cut into subnets."""

from itertools import islice
from pathlib import Path

import pytest

from wherry.errors import InvalidArgument
from wherry.store.address_pools import address_pools
from wherry.store.subnets import choose_subnet, ipv6_candidates, user_network_candidates

POOLS = """[network]
address-pools = [{ base = "10.20.0.0/23", size = 24 }, { base = "10.9.0.0/16", size = 16 },
                 { base = "fd00:20::/48", size = 64 }]
"""


def test_pools_take_the_place_of_the_usual_ranges(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(POOLS)
    pools = address_pools(tmp_path / "config.toml")

    found = [str(each) for each in pools.ipv4_candidates(user_network_candidates())]
    assert found == ["10.20.0.0/24", "10.20.1.0/24", "10.9.0.0/16"]
    (first, second) = islice(pools.ipv6_candidates(ipv6_candidates("/")), 2)
    assert (str(first), str(second)) == ("fd00:20::/64", "fd00:20:0:1::/64")
    taken = [first]
    assert choose_subnet(pools.ipv6_candidates(ipv6_candidates("/")), taken) == second


def test_without_pools_the_usual_ranges_are_there(tmp_path: Path) -> None:
    pools = address_pools(tmp_path / "nothing")

    assert str(next(pools.ipv4_candidates(user_network_candidates()))) == "172.18.0.0/16"
    assert next(pools.ipv6_candidates(ipv6_candidates("/"))) == next(ipv6_candidates("/"))


@pytest.mark.parametrize(
    "text",
    [
        "1",
        "[1]",
        '[{ base = "10.0.0.0/8" }]',
        '[{ base = "10.0.0.1/8", size = 16 }]',
        '[{ base = "10.0.0.0/16", size = 8 }]',
        '[{ base = "10.0.0.0/16", size = 32 }]',
    ],
)
def test_a_pool_that_makes_no_sense_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.toml").write_text(f"[network]\naddress-pools = {text}\n")

    with pytest.raises(InvalidArgument, match=r"config\.toml: network\.address-pools: "):
        address_pools(tmp_path / "config.toml")
