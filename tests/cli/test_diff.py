"""`wherry diff`, beside Docker's."""

from pathlib import Path

import pytest

from wherry.testing.command import Wherry
from wherry.testing.dockerd import Dockerd

pytestmark = pytest.mark.needs("containers")

_SCRIPT = """
mkdir -p /new/inner; echo 1 >/new/inner/file     # added
chmod 700 /home; chown 5:5 /bin/busybox          # nothing but a mode, an owner
rm /bin/vi; mkdir /bin/vi; touch /bin/vi/x       # a link becomes a folder
rm -r /root; echo file >/root                    # a folder becomes a file
rm -r /var; mkdir /var; touch /var/made          # a folder made anew
rm /bin/ls /bin/cat; ln -s busybox /bin/ls       # deleted, and deleted and made again
touch /tmp/x; rm /tmp/x                          # as if nothing had been
mv /usr /usr2                                    # a folder of the image that moves
echo in >/volume/x; echo in >/scratch/x          # what is in mounts is not the container's
mkfifo /pipe; mknod /null c 1 3
"""


def test_what_changed_is_told_as_docker_tells_it(
    wherry: Wherry, dockerd: Dockerd, tmp_path: Path
) -> None:
    wherry("tag", "busybox", "same")
    wherry("save", "-o", f"{tmp_path}/same", "same")
    dockerd.docker("load", "-i", f"{tmp_path}/same")
    words = ("run", "--name", "changes", "-v", "/volume", "--tmpfs", "/scratch", "-w", "/made/here")
    wherry(*words, "same", "sh", "-c", _SCRIPT)
    dockerd.docker(*words, "same", "sh", "-c", _SCRIPT)
    try:
        theirs = dockerd.docker("diff", "changes").stdout.splitlines()
    finally:
        dockerd.docker("rm", "-v", "changes")
        dockerd.docker("rmi", "same")

    ours = wherry("diff", "changes").stdout.splitlines()

    # What is in a folder comes in any order from Docker, but what it has lost comes last.
    assert sorted(ours) == sorted(theirs)
    assert [line for line in ours if line.count("/") == 1 or " /bin" in line] == [
        *("C /bin", "C /bin/busybox", "C /bin/ls", "C /bin/vi", "A /bin/vi/x", "D /bin/cat"),
        *("C /home", "A /made", "A /new", "A /null", "A /pipe", "C /root", "A /scratch"),
        *("A /usr2", "C /var", "A /volume", "D /usr"),
    ]
