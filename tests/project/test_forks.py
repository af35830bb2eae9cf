"""What every fork of the launcher, and a service, would pay for is not loaded by them."""

import subprocess
import sys

from wherry.engine.requests import warming
from wherry.testing.command import SOURCE


def loaded_by(*names: str) -> set[str]:
    """The modules that a process has which imports these."""
    program = f"""
import sys
sys.path.insert(0, {str(SOURCE)!r})
import {", ".join(names)}
print(*sys.modules)
"""
    command = [sys.executable, "-c", program]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def test_nothing_that_supervisors_are_forked_from_runs_in_each_fork_or_is_large() -> None:
    loaded = loaded_by("wherry.launcher", *warming.LATE)

    # Their hooks run in each forked child: one looks at half a megabyte, the other makes a seed.
    assert loaded.isdisjoint({"threading", "random"})
    assert loaded.isdisjoint({"hashlib", "wherry.cli", "wherry.registry", "wherry.build"})
    # A megabyte, of which each supervisor has its share (`wherry.typed`, `store.database`).
    assert loaded.isdisjoint({"typing", "datetime", "sqlite3"})
    # What is loaded last lies together, which their keepers are to do.
    assert loaded.isdisjoint({"wherry.shim.keeper", "wherry.shim.nursery", "wherry.linux.bare"})


def test_a_service_loads_no_client_of_http_and_neither_builder_nor_runtime() -> None:
    routes = (f"wherry.api.routes.{name}" for name in ("system", "containers", "execs", "attach"))
    loaded = loaded_by("wherry.api.server", *routes)

    assert "aiohttp.web_protocol" in loaded
    assert loaded.isdisjoint({"aiohttp.client", "aiohttp.connector"})
    assert loaded.isdisjoint({"wherry.build", "wherry.runtime.create", "wherry.shim.supervise"})
