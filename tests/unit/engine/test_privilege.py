"""What an ordinary user cannot have is refused in one line, before anything is made."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from wherry.engine.engine import Engine
from wherry.engine.privilege import NeedsRoot


@pytest.mark.parametrize(
    ("things", "make"),
    [
        ("containers", lambda engine: engine.containers.create("busybox", ["true"])),
        ("networks", lambda engine: engine.networks.create("lan")),
        ("builds", lambda engine: engine.images.build(engine.store.root)),
    ],
)
def test_what_needs_root_says_so(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    things: str,
    make: Callable[[Engine], object],
) -> None:
    engine = Engine(root=tmp_path / "root", run=tmp_path / "run")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(NeedsRoot, match=rf"^{things} need root: ") as refused:
        make(engine)

    assert refused.value.hint == "repeat the command with sudo"
    assert [network.name for network in engine.networks.list() if network.name == "lan"] == []
