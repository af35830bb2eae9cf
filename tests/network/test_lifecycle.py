"""Networks of one's own through restarts, kills and removals."""

import json
import os
import signal
from contextlib import ExitStack
from typing import Any

import pytest

from wherry.linux import netlink, nftables
from wherry.linux.netlink import RouteSocket
from wherry.network import firewall
from wherry.store.containers import shim_pid_of
from wherry.store.networks import containers_with_endpoints
from wherry.store.store import Store
from wherry.testing.command import Wherry
from wherry.testing.machines import new_namespace
from wherry.testing.waiting import eventually

pytestmark = pytest.mark.needs("containers")


def links() -> set[str]:
    with RouteSocket() as host:
        return {link.name for link in host.links()}


def settings(wherry: Wherry, name: str) -> dict[str, Any]:
    document = json.loads(wherry("inspect", name).stdout)[0]
    found: dict[str, Any] = document["NetworkSettings"]["Networks"]
    return found


def test_a_network_is_a_bridge_from_its_making_to_its_removal(wherry: Wherry) -> None:
    wherry("network", "create", "-o", "com.docker.network.bridge.name=mine0", "net")
    assert "mine0" in links()

    wherry("network", "rm", "net")

    assert "mine0" not in links()
    assert "mine0" not in nftables.run("list ruleset")


def test_a_network_may_be_without_addresses(wherry: Wherry) -> None:
    wherry("network", "create", "--ipv4=false", "bare")

    shown = wherry("run", "--rm", "--network", "bare", "busybox", "ip", "addr", "show", "eth0")

    assert "UP" in shown.stdout
    assert "inet" not in shown.stdout
    wherry("network", "rm", "bare")


def test_rules_that_somebody_takes_away_are_back_without_a_command(wherry: Wherry) -> None:
    wherry("run", "-d", "-p", "80", "busybox", "sleep", "1000")
    table = firewall.table_of(Store(wherry.root, wherry.run_folder))

    nftables.run(f"delete table inet {table}")

    eventually(lambda: table in nftables.run("list tables"), what="the rules are back")


def test_what_was_connected_while_stopped_is_there_after_the_start(wherry: Wherry) -> None:
    wherry("network", "create", "one")
    wherry("network", "create", "two")
    wherry("run", "--name", "job", "--network", "one", "busybox", "sleep", "0")

    wherry("network", "connect", "--alias", "other", "two", "job")
    wherry("network", "disconnect", "one", "job")

    assert list(settings(wherry, "job")) == ["two"]
    result = wherry("start", "-a", "job")
    assert result.returncode == 0


def test_who_has_left_the_last_network_may_join_another(wherry: Wherry) -> None:
    wherry("network", "create", "one")
    wherry("run", "-d", "--name", "job", "busybox", "sleep", "1000")

    wherry("network", "disconnect", "bridge", "job")
    assert settings(wherry, "job") == {}
    wherry("network", "connect", "one", "job")
    wherry("restart", "-t", "0", "job")

    assert list(settings(wherry, "job")) == ["one"]


def test_ports_follow_the_way_out(wherry: Wherry) -> None:
    wherry("network", "create", "--subnet", "10.84.1.0/24", "one")
    wherry("network", "create", "--subnet", "10.84.2.0/24", "two")
    words = ("-p", "18090:80", "busybox", "httpd", "-f", "-h", "/etc")
    wherry("run", "-d", "--name", "web", "--network", "one", *words)

    wherry("network", "connect", "--gw-priority", "1", "two", "web")
    assert "10.84.2.2 . 80" in nftables.run("list ruleset")
    wherry("network", "disconnect", "two", "web")

    assert "10.84.1.2 . 80" in nftables.run("list ruleset")
    assert wherry("port", "web").stdout.startswith("80/tcp -> 0.0.0.0:18090")


def test_a_killed_supervisor_leaves_nothing_on_its_networks(wherry: Wherry) -> None:
    wherry("network", "create", "one")
    wherry("network", "create", "two")
    wherry("run", "-d", "--name", "job", "--network", "one", "busybox", "sleep", "1000")
    wherry("network", "connect", "two", "job")
    store = Store(wherry.root, wherry.run_folder)
    container_id = wherry("inspect", "-f", "{{.Id}}", "job").stdout.strip()
    shim = shim_pid_of(store, container_id)

    os.kill(shim, signal.SIGKILL)
    eventually(lambda: not shim_pid_of(store, container_id), what="the supervisor is gone")
    wherry("run", "--rm", "--network", "none", "busybox", "true")  # any command will do

    # The other one's row may be there for a moment more.
    assert container_id not in containers_with_endpoints(store)
    store.database.close()
    eventually(
        lambda: not {link for link in links() if link.startswith(f"wh{container_id[:12]}")},
        what="links gone",
    )
    wherry("network", "rm", "one", "two")


def test_a_network_in_use_is_kept_and_an_unused_one_pruned(wherry: Wherry) -> None:
    wherry("network", "create", "used")
    wherry("network", "create", "unused")
    wherry("run", "-d", "--name", "job", "--network", "used", "busybox", "sleep", "1000")

    refused = wherry("network", "rm", "used", check=False)
    pruned = wherry("network", "prune", "-f")

    assert 'network used has active endpoints (name:"job" id:"' in refused.stderr
    assert pruned.stdout == "Deleted Networks:\nunused\n\n"
    wherry("network", "create", "unused")
    assert "Deleted Networks:\nunused\n\n" in wherry("system", "prune", "-f").stdout


def test_a_network_whose_containers_may_not_talk(wherry: Wherry) -> None:
    icc = "com.docker.network.bridge.enable_icc=false"
    wherry("network", "create", "-o", icc, "--subnet", "10.84.4.0/24", "apart")
    for name in ("one", "two"):
        wherry("run", "-d", "--name", name, "--network", "apart", "busybox", "sleep", "1000")

    assert wherry("exec", "one", "ping", "-c", "1", "-W", "1", "10.84.4.1").returncode == 0
    assert wherry("exec", "one", "ping", "-c", "1", "-W", "1", "two", check=False).returncode == 1


def test_a_macvlan_network_joins_the_parent_s_neighbours(wherry: Wherry) -> None:

    with ExitStack() as lifetime:
        outside = new_namespace(lifetime)
        peer = netlink.Peer(name="far0", netns_fd=outside, mac_address="02:00:00:00:00:08")
        with RouteSocket() as host:
            host.request(netlink.new_veth("near0", master=0, mtu=1500, peer=peer))
        with RouteSocket(outside) as beyond:
            beyond.request(netlink.set_link_up("far0"))
        wherry(
            "network",
            "create",
            "-d",
            "macvlan",
            "-o",
            "parent=near0",
            "--subnet",
            "10.84.5.0/24",
            "lan",
        )
        for name in ("one", "two"):
            wherry("run", "-d", "--name", name, "--network", "lan", "busybox", "sleep", "1000")

        assert wherry("exec", "one", "ping", "-c", "1", "-W", "2", "two").returncode == 0
        assert "10.84.5.1" in wherry("exec", "one", "ip", "route").stdout
        wherry("rm", "-f", "one", "two")
        wherry("network", "rm", "lan")


def test_a_container_may_begin_on_several_networks(wherry: Wherry) -> None:
    wherry("network", "create", "--subnet", "10.84.6.0/24", "aa")
    wherry("network", "create", "--subnet", "10.84.7.0/24", "bb")
    networks = ("--network", "name=aa,alias=x", "--network", "name=bb,alias=y,gw-priority=7")
    command = "ip route; nslookup -type=a x; nslookup -type=a y"

    result = wherry("run", "--rm", *networks, "busybox", "sh", "-c", command)

    assert "default via 10.84.7.1 dev eth1" in result.stdout
    assert "Address: 10.84.6.2" in result.stdout
    assert "Address: 10.84.7.2" in result.stdout


def test_an_endpoint_has_options_of_its_own(wherry: Wherry) -> None:
    wherry("network", "create", "net")
    sysctls = "com.docker.network.endpoint.sysctls=net.ipv4.conf.IFNAME.log_martians=1"
    name = "com.docker.network.endpoint.ifname=lan7"
    settings = f"name=net,link-local-ip=169.254.8.8,driver-opt={name},driver-opt={sysctls}"
    command = "ip -o -4 addr show dev lan7; cat /proc/sys/net/ipv4/conf/lan7/log_martians"

    output = wherry("run", "--rm", "--network", settings, "busybox", "sh", "-c", command).stdout

    assert "169.254.8.8/16" in output
    assert output.endswith("\n1\n")
    unknown = "name=net,driver-opt=com.docker.network.what=1"
    refused = wherry("run", "--rm", "--network", unknown, "busybox", "true", check=False)
    assert "com.docker.network.what is not supported" in refused.stderr
