"""A real message bus is asked, of this test's own."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from wherry.linux.dbus import DBusError, Interface, NoService, SystemBus
from wherry.testing.waiting import eventually

BUS = Interface("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")
CONFIGURATION = """<busconfig><type>session</type><listen>unix:path={path}</listen>
<policy context="default"><allow send_destination="*"/><allow own="*"/>
<allow receive_sender="*"/></policy></busconfig>"""


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[SystemBus]:
    program = shutil.which("dbus-daemon")
    if program is None:
        pytest.skip("dbus-daemon is not installed")
    path = tmp_path / "socket"
    (tmp_path / "configuration").write_text(CONFIGURATION.format(path=path))
    daemon = subprocess.Popen([program, f"--config-file={tmp_path}/configuration", "--nofork"])
    try:
        eventually(path.exists, what="the bus listens")
        with SystemBus(str(path)) as connection:
            yield connection
    finally:
        daemon.terminate()
        daemon.wait()


def test_strings_and_arrays_of_strings_are_answered(bus: SystemBus) -> None:
    (names,) = bus.call(BUS, "ListNames")

    assert isinstance(names, list)
    assert "org.freedesktop.DBus" in names
    owner = bus.call(BUS, "GetNameOwner", "s", "org.freedesktop.DBus")
    assert owner == ["org.freedesktop.DBus"]
    ((_, own_pid),) = [
        (name, bus.call(BUS, "GetConnectionUnixProcessID", "s", name))
        for name in names
        if str(name).startswith(":")
    ]
    assert own_pid == [os.getpid()]


def test_a_service_that_is_not_there_is_told_from_one_that_refuses(bus: SystemBus) -> None:
    nobody = Interface("org.example.Nobody", "/", "org.example.Nobody")
    with pytest.raises(NoService):
        bus.call(nobody, "Anything", "s", "text")
    with pytest.raises(DBusError) as refused:
        bus.call(BUS, "NoSuchMethod")
    assert not isinstance(refused.value, NoService)


def test_no_bus_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        SystemBus(str(tmp_path / "nothing"))
