"""Who reaches whom and by which name: the same answers from Wherry and from Docker."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from wherry.testing.both import Answer, Both

pytestmark = pytest.mark.needs("containers", "dockerd", "docker")

CONTAINERS = ("web", "both", "shut2", "plain2", "six2")
TARGETS = (
    "web",
    "site",
    "db",
    "bridgehead",
    "shut",
    "plain",
    "friend",
    "six",
    "10.81.1.10",
    "10.81.2.50",
    "10.81.3.10",
)
# All at once: a name that is nobody's takes its time where the host has no resolver.
PING = "for t in {}; do (ping -c 1 -W 1 $t >/dev/null 2>&1 && echo $t) & done; wait"


@pytest.fixture(scope="module")
def reached(stage: Both) -> dict[str, tuple[Answer, Answer]]:
    """For each container the targets that answer it."""
    line = PING.format(" ".join(TARGETS))
    with ThreadPoolExecutor() as pool:
        answers = pool.map(lambda name: stage(f"exec {name} sh -c '{line}'"), CONTAINERS)
    return dict(zip(CONTAINERS, answers, strict=True))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("container", CONTAINERS)
def test_who_reaches_whom(
    reached: dict[str, tuple[Answer, Answer]], container: str, target: str
) -> None:
    ours, theirs = reached[container]

    assert (target in ours.out.split()) == (target in theirs.out.split())


@pytest.mark.parametrize(
    ("container", "command"),
    [
        ("web2", "nslookup -type=a web"),
        ("web2", "nslookup -type=a WEB.front"),
        ("web2", "nslookup -type=a site | sort"),
        ("web2", "nslookup -type=a webhost"),
        ("web2", "nslookup -type=aaaa web"),
        ("web2", "nslookup -type=ptr 10.1.81.10.in-addr.arpa"),
        ("both", "nslookup -type=ptr 50.2.81.10.in-addr.arpa"),
        ("linker", "nslookup -type=a friend"),
        ("six2", "nslookup six | sort"),
        ("six2", "nslookup -type=aaaa six.dual"),
        ("shut2", "nslookup -type=a shut"),
        ("joined", "nslookup -type=a web2"),
        ("web2", "cat /etc/hosts | sed s/::0/::/"),
        ("web", "cat /etc/hosts | sed s/::0/::/"),
        ("both", "cat /etc/hosts | sed s/::0/::/"),
        ("plain2", "cat /etc/hosts | grep friend | cut -f 2 | cut -d ' ' -f 1,3"),
        ("plain2", "env | grep FRIEND | grep -v NAME | sed 's/1[0-9.]*[.]//' | sort"),
        ("linker", "env | grep FRIEND | sort"),
        ("six", "grep six /etc/hosts"),
        ("web", "ip route"),
        ("both", "ip route | sort"),
        ("both", "ip -4 -o addr show dev eth1 | tr -s ' ' | cut -d ' ' -f 2-8"),
        ("six2", "wget -q -O - http://[fd00:81::10]/hostname | wc -c"),
        ("web2", "wget -q -O - http://web/hostname"),
        ("both", "wget -q -O - http://db/hostname | wc -c"),
        ("web2", "wget -q -O - http://10.81.1.1:18081/hostname"),
        ("web2", "netstat -lnu | grep -c ':53 '"),
        ("web2", "grep -v '^#' /etc/resolv.conf | grep nameserver"),
        ("web2", "grep -o ndots:0 /etc/resolv.conf"),
    ],
)
def test_what_a_container_sees(stage: Both, container: str, command: str) -> None:
    ours, theirs = stage(f"exec {container} sh -c {command!r}")

    assert ours == theirs
    assert "fault" not in ours.err  # busybox's wget with -T and a name, for one


@pytest.mark.parametrize(
    "line",
    [
        "port web",
        "port web 80",
        "port web 80/udp",
        "port web 81",
        "port web 99999/udp",
        "port web nonsense",
        "port here",
        "ps --filter name=^web$ --format '{{.Ports}}'",
        "ps --filter network=back --format '{{.Names}}'",
        "network ls --filter driver=bridge --format '{{.Name}} {{.Driver}} {{.Scope}}'",
        "network ls --filter label=kind=dual --format '{{.Name}} {{.IPv6}} {{.Internal}}'",
        "network ls --filter name=clo --format '{{.Name}} {{.Internal}}'",
        "network ls --filter type=builtin --format '{{.Name}}'",
        "network inspect -f '{{len .Containers}}' closed",
        "network inspect -f '{{.Internal}} {{.EnableIPv6}} {{.Attachable}} {{.Labels}}' dual",
        "network inspect nothing",
        "inspect -f '{{.HostConfig.NetworkMode}}' web",
        "inspect -f '{{.NetworkSettings.Networks.front.IPAddress}}' web",
        "inspect -f '{{.NetworkSettings.Networks.back.Gateway}}' both",
        "inspect -f '{{.NetworkSettings.Networks.dual.GlobalIPv6Address}}' six",
        "inspect -f '{{json .NetworkSettings.Networks.front.IPAMConfig}}' web",
        "network rm bridge",
        "network rm nothing",
        "network create bridge",
        "network create front",
        "network create --subnet 10.81.1.128/25 other",
        "network create --subnet 10.81.9.0/24 --gateway 10.82.0.1 other",
        "network create --subnet 10.81.9.0/24 --gateway 10.81.9.0 other",
        "network create --subnet 10.81.9.0/24 --gateway 10.81.9.255 other",
        "network create -o com.docker.network.bridge.host_binding_ipv4=nonsense other",
        "network connect --driver-opt bad front plain2",
        "network create --subnet 10.81.9.0/24 --ip-range 10.82.0.0/24 other",
        "network create --subnet 10.81.9.0/24 --subnet 10.81.9.0/25 other",
        "network create --gateway 10.82.0.1 other",
        "network create --subnet 10.81.9.0/24 --aux-address x=10.82.0.1 other",
        "network create -d host other",
        "network connect front web",
        "network connect nothing web",
        "network connect front nobody",
        "network disconnect back nobody",
        "network disconnect nothing web",
        "network connect host web",
        "network connect none web",
        "network connect front joined",
        "run --rm --network nothing busybox true",
        "run --rm --network front --ip 10.81.1.10 busybox true",
        "run --rm --network-alias x busybox true",
        "run --rm --ip 172.17.0.9 busybox true",
        "run --rm --network front --network-alias x --network-alias y busybox hostname -f",
        "network inspect -v -f '{{.Name}}' front",
        "network inspect -f '{{json .IPAM.Options}} {{.IPAM.Driver}} {{.Scope}}' front",
        "network ls --filter driver=host --filter driver=null --format '{{.Name}}'",
        "network ls --filter scope=swarm -q",
        "network ls --filter label=kind --format 'table {{.Name}}\t{{.Labels}}'",
        "network prune -f --filter label=nothing",
        "network create --subnet 10.81.9.0/24 --ip-range nonsense other",
        "network create -o com.docker.network.driver.mtu=-1 other",
        "network create -o com.docker.network.driver.mtu=nonsense other",
        "network ls --filter type=what",
        "network ls --filter name=^fr.nt$ --format '{{.Name}}'",
        "network ls --filter name=[ --format '{{.Name}}'",
        "run --rm --network '' busybox true",
        "network create -d macvlan -o parent=lo other",
        "network create -d macvlan -o parent=nothing0 other",
        "network create -d macvlan -o parent=nothing0.50 other",
        "network create -d macvlan -o parent=lo.5000 other",
        "network create -d macvlan -o macvlan_mode=what other",
        "network create -d ipvlan -o ipvlan_mode=what other",
        "network create -o com.docker.network.bridge.enable_icc=maybe other",
        "network create --subnet 10.81.9.0/24 --gateway nonsense other",
        "run --rm --network front --network front busybox true",
        "run --rm --network front --network host busybox true",
        "run --rm --network name=front,what=x busybox true",
        "run --rm --network alias=x busybox true",
        "run --rm --network name=front,ip=nonsense busybox true",
        "run --rm --network name=front,gw-priority=x busybox true",
        "run --rm --network name=front,ip=10.81.1.80 --ip 10.81.1.81 busybox true",
        "run --rm --network front --ip 10.81.1.0 busybox true",
        "run --rm --network front --ip 10.81.1.1 busybox true",
        "run --rm --network container:web -p 80:80 busybox true",
        "run --rm --network container:nothing busybox true",
        "run --rm --network host --network-alias x busybox true",
        "run --rm --link nothing:x busybox true",
        "run --rm -p 1:2:3:4 busybox true",
        "run --rm -p 18-20:80-85 busybox true",
        "run --rm -p 80/what busybox true",
    ],
)
def test_what_commands_say(stage: Both, line: str) -> None:
    ours, theirs = stage(line)

    assert ours == theirs


@pytest.mark.parametrize(
    "line",
    [
        "wget -q -T 2 -O - http://127.0.0.1:18081/hostname",
        "wget -q -T 2 -O - http://10.81.1.1:18081/hostname",
        "wget -q -T 2 -O - http://10.81.1.10/hostname",
        "wget -q -T 2 -O - http://127.0.0.1:18083/hostname",
        "wget -q -T 2 -O - http://10.81.1.1:18083/hostname",
        "wget -q -T 2 -O - http://127.0.0.1:18084/hostname | wc -c",
        "wget -q -T 2 -O - http://[::1]:18081/hostname",
        "wget -q -T 2 -O - http://[fd00:81::10]/hostname | wc -c",
        "wget -q -T 2 -O - http://10.81.3.10/hostname | wc -c",
    ],
)
def test_what_the_host_reaches(stage: Both, line: str) -> None:
    ours, theirs = stage.on_hosts(line)

    assert ours == theirs
