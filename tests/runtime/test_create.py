"""What the caller of `create_container` and its init tell each other, and in which order."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from wherry.testing.bundles import Bundle, Config

pytestmark = pytest.mark.needs("root", "containers")

# A program of its own, since whoever makes a container must have one thread.
PROGRAM = """
import json, os, select, sys
from pathlib import Path
from wherry.oci.codec import from_json
from wherry.oci.runtime_spec import Spec
from wherry.runtime.create import create_container

def plug(pid):
    pidfd = os.pidfd_open(pid)
    select.select([pidfd], [], [])
    os.stat(f"/proc/{pid}/ns/net")  # it has none any more

bundle = Path(sys.argv[1])
try:
    spec = from_json(Spec, json.loads((bundle / "config.json").read_bytes()))
    create_container("one", spec, bundle=bundle, on_namespaces=plug)
except Exception as error:
    print(type(error).__name__, error)
"""


def test_init_says_why_it_ended_before_it_had_its_network(tmp_path: Path) -> None:
    bundle = Bundle("", tmp_path, "")
    bundle.write(lambda config: config["process"].update(args=["/proc"]))

    command = [sys.executable, "-c", PROGRAM, str(bundle.path)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)

    assert result.stdout == (
        'ProgramNotRunnable unable to start container process: exec: "/proc": is a directory\n'
    )


# The sibling that becomes init runs on before the one who made it can say which it is.
SLOW_STAGE = """
import json, os, sys, time
from pathlib import Path
from wherry.oci.codec import from_json
from wherry.oci.runtime_spec import Process, Spec
from wherry.runtime.create import create_container
from wherry.runtime.exec import exec_process
from wherry.runtime.init.channel import Channel, Kind

send = Channel.send

def send_late(self, kind, /, *descriptors, **facts):
    if kind is Kind.CHILD:
        time.sleep(0.2)
    send(self, kind, *descriptors, **facts)

Channel.send = send_late
bundle = Path(sys.argv[1])
spec = from_json(Spec, json.loads((bundle / "config.json").read_bytes()))
seen = []
created = create_container("one", spec, bundle=bundle, on_namespaces=seen.append)
created.start()
program = Process(cwd="/", args=("/bin/true",))
beside = exec_process(created.pid, created.start_time, program, state={})
print(seen == [created.pid], os.waitpid(beside.pid, 0)[1], os.waitpid(created.pid, 0)[1])
"""


def test_init_in_a_user_namespace_is_known_before_it_is_served() -> None:
    def in_users(config: Config) -> None:
        config["process"].update(args=["sleep", "1"])
        config["linux"]["namespaces"].append({"type": "user"})
        mapping = [{"containerID": 0, "hostID": 100_000, "size": 1000}]
        config["linux"]["uidMappings"] = config["linux"]["gidMappings"] = mapping

    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:  # where others than root can get to
        bundle = Bundle("", Path(name), "")
        bundle.write(in_users)
        command = [sys.executable, "-c", SLOW_STAGE, str(bundle.path)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (result.stdout, result.stderr) == ("True 0 0\n", "")
