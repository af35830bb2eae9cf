"""Thousands of requests made of Docker's description of its API: none is answered with a fault.

They come from schemathesis, with a seed, at a service in a network namespace of its own. Every
answer has to be what the description says it is, and to come in time. `fuzz_hooks` says what they
find there. Needs schemathesis and the description, see scripts/test-clients.
"""

import os
from pathlib import Path

import pytest

from tests.clients.engines import TCP, run_at

PROJECT = Path(__file__).parents[2]
SCHEMATHESIS = os.environ.get("WHERRY_SCHEMATHESIS", "")
DESCRIPTION = os.environ.get("WHERRY_ENGINE_API", "")
SEED = os.environ.get("WHERRY_FUZZ_SEED", "1")
EXAMPLES = os.environ.get("WHERRY_FUZZ_EXAMPLES", "50")  # for each endpoint, beside those at bounds

pytestmark = [
    pytest.mark.needs("containers", "docker", "registry"),
    pytest.mark.skipif(
        not (SCHEMATHESIS and DESCRIPTION), reason="for scripts/test-clients, see there"
    ),
]


def test_no_request_makes_the_service_fail(tmp_path: Path) -> None:
    address = f"{TCP.replace('tcp', 'http')}/v1.50"
    program = [
        # It keeps what failed in the folder that it is started in.
        *("env", f"--chdir={tmp_path}", f"WHERRY_FUZZED={address}", f"PYTHONPATH={PROJECT}"),
        "SCHEMATHESIS_HOOKS=tests.clients.fuzz_hooks",
        *(SCHEMATHESIS, "run", DESCRIPTION, "--url", address, "--no-color"),
        *("--phases", "coverage,fuzzing,stateful", "--seed", SEED, "--max-examples", EXAMPLES),
        *("--checks", "no_fault_of_ours,response_schema_conformance", "--continue-on-failure"),
        *("--warnings", "off"),
    ]
    assert run_at("wherry", program) == 0
