"""What a caller of `create_container` is told of an init that ends while it is being served."""

import subprocess
import sys
from pathlib import Path

import pytest

from wherry.testing.bundles import Bundle

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
