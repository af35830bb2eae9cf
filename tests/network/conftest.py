"""The same containers on the same networks, made by Wherry and by Docker."""

import pytest

from wherry.testing.both import Both

STAGE = """
network create --subnet 10.81.1.0/24 front
network create --subnet 10.81.2.0/24 back
network create --subnet 10.81.3.0/24 --internal closed
network create --subnet 10.81.4.0/24 --ipv6 --subnet fd00:81::/64 --label kind=dual dual
network create --subnet 10.81.5.0/24 -o com.docker.network.bridge.host_binding_ipv4=127.0.0.1 local
run -d --name web --network front --network-alias site --ip 10.81.1.10 -h webhost -p 18081:80
 -p 18082:80/udp -p 127.0.0.1:18083:80 -e COLOUR=red busybox httpd -f -h /etc
run -d --name web2 --network front --network-alias site --ip 10.81.1.11 busybox sleep 1000
run -d --name db --network back --ip 10.81.2.50 busybox httpd -f -h /etc
run -d --name both --network front --ip 10.81.1.12 busybox sleep 1000
network connect --alias bridgehead --ip 10.81.2.12 back both
run -d --name linker --network front --ip 10.81.1.13 --link web:friend busybox sleep 1000
run -d --name shut --network closed --ip 10.81.3.10 busybox httpd -f -h /etc
run -d --name shut2 --network closed --ip 10.81.3.11 busybox sleep 1000
run -d --name plain --expose 90 -e COLOUR=blue busybox httpd -f -h /etc
run -d --name plain2 --link plain:friend busybox sleep 1000
run -d --name six --network dual --ip 10.81.4.10 --ip6 fd00:81::10 busybox httpd -f -h /etc
run -d --name six2 --network dual --ip 10.81.4.11 --ip6 fd00:81::11 busybox sleep 1000
run -d --name here --network local --ip 10.81.5.10 -p 18084:80 busybox httpd -f -h /etc
run -d --name joined --network container:web busybox sleep 1000
"""


@pytest.fixture(scope="module")
def stage(both: Both) -> Both:
    for line in STAGE.strip().replace("\n ", " ").splitlines():
        ours, theirs = both(line)
        assert (ours.status, theirs.status) == (0, 0), (line, ours, theirs)
    return both
