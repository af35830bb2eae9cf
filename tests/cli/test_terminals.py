"""What somebody at a terminal meets: keys, sizes, and a terminal that is as it was afterwards."""

import signal

import pytest

from wherry.testing.sides import Side
from wherry.testing.waiting import eventually

pytestmark = pytest.mark.needs("containers")

DETACH = "\x10\x11"
SHELL = ("busybox", "sh")
_TRAPS = "".join(f"trap 'echo told {name}; exit 9' {name};" for name in ("INT", "TERM", "HUP"))
TRAPPED = ("busybox", "sh", "-c", f"{_TRAPS} echo rea''dy; while :; do sleep 0.1; done")


def is_running(it: Side, name: str) -> bool:
    return it("inspect", "-f", "{{.State.Running}}", name).stdout == "true\n"


def test_a_shell_at_a_terminal(it: Side) -> None:
    with it.terminal("run", "-it", "--rm", *SHELL) as terminal:
        terminal.until("# ")
        terminal.type("tty; stty size; exit 3\r")
        assert "/dev/pts/0" in terminal.until("24 80")
        assert terminal.ended() == 3
        assert terminal.is_restored()


def test_the_window_changes_its_size(it: Side) -> None:
    with it.terminal("run", "-it", "--rm", *SHELL, rows=30, columns=100) as terminal:
        terminal.until("# ")
        terminal.resize(33, 77)

        def new_size() -> bool:
            terminal.type("stty size; echo do''ne\r")
            return "33 77" in terminal.until("done")

        eventually(new_size, what="the new size has come through")
        terminal.type("exit\r")
        assert terminal.ended() == 0


def test_keys_of_the_terminal_are_the_container_s(it: Side) -> None:
    with it.terminal("run", "-it", "--rm", *TRAPPED) as terminal:
        terminal.until("ready")
        terminal.type("\x03")
        terminal.until("told INT")
        assert terminal.ended() == 9
        assert terminal.is_restored()


@pytest.mark.parametrize(
    ("flags", "keys"),
    [
        ((), DETACH),
        (("--detach-keys", "ctrl-a,x"), "\x01x"),
        (("--detach-keys", "~"), "~"),
    ],
    ids=["default", "two-keys", "one-key"],
)
def test_run_ends_well_when_the_keys_detach(it: Side, flags: tuple[str, ...], keys: str) -> None:
    with it.terminal("run", "-it", "--name", "web", *flags, *SHELL) as terminal:
        terminal.until("# ")
        terminal.type(keys)
        assert terminal.ended() == 0
        assert terminal.is_restored()
    assert is_running(it, "web")


def test_half_of_the_keys_reaches_the_container(it: Side) -> None:
    with it.terminal("run", "-it", "--rm", "busybox", "cat", "-v") as terminal:
        terminal.type("a\x10b\r")
        terminal.until("a^Pb\r\na^Pb")
        terminal.type("\x04")
        assert terminal.ended() == 0


def test_attach_says_that_it_was_left(it: Side) -> None:
    it("run", "-dit", "--name", "web", *SHELL)
    with it.terminal("attach", "web") as terminal:
        terminal.type("echo he''re\r")
        terminal.until("here")
        terminal.type(DETACH)
        terminal.until("read escape sequence")
        assert terminal.ended() == 1
        assert terminal.is_restored()
    assert is_running(it, "web")


def test_exec_says_that_it_was_left(it: Side) -> None:
    it("run", "-d", "--name", "web", "busybox", "sleep", "1000")
    with it.terminal("exec", "-it", "web", "sh") as terminal:
        terminal.until("# ")
        terminal.type(DETACH)
        terminal.until("read escape sequence")
        assert terminal.ended() == 1
        assert terminal.is_restored()


def test_exec_at_a_terminal(it: Side) -> None:
    it("run", "-d", "--name", "web", "busybox", "sleep", "1000")
    with it.terminal("exec", "-it", "web", "sh", rows=31, columns=91) as terminal:
        terminal.until("# ")

        def right_size() -> bool:
            terminal.type("stty size; echo do''ne\r")
            return "31 91" in terminal.until("done")

        eventually(right_size, what="the size has come through")
        terminal.type("exit 4\r")
        assert terminal.ended() == 4
        assert terminal.is_restored()


def test_start_attached_to_a_terminal(it: Side) -> None:
    it("run", "-dit", "--name", "web", *SHELL)
    it("stop", "-t", "0", "web")
    with it.terminal("start", "-ai", "web") as terminal:
        terminal.until("# ")
        terminal.type(DETACH)
        assert terminal.ended() == 0
        assert terminal.is_restored()
    assert is_running(it, "web")


def test_two_attached_see_the_same(it: Side) -> None:
    it("run", "-dit", "--name", "web", *SHELL)
    with it.terminal("attach", "web") as first, it.terminal("attach", "web") as second:
        first.type("echo fi''rst\r")
        first.until("first")
        second.type("echo sec''ond\r")
        second.until("second")
        first.until("second")
        first.type("exit 5\r")
        assert first.ended() == 5
        assert second.ended() == 5


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_what_the_client_is_sent_is_the_container_s(it: Side, number: signal.Signals) -> None:
    with it.terminal("run", "-it", "--rm", *TRAPPED) as terminal:
        terminal.until("ready")
        terminal.process.send_signal(number)
        terminal.until(f"told {number.name[3:]}")
        assert terminal.ended() == 9
        assert terminal.is_restored()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_client_that_is_told_to_go_restores_the_terminal(
    ours: Side, number: signal.Signals
) -> None:
    words = ("run", "-it", "--name", "web", "--sig-proxy=false")
    with ours.terminal(*words, *SHELL) as terminal:
        terminal.until("# ")
        assert not terminal.is_restored()
        terminal.process.send_signal(number)
        assert terminal.ended() == -number
        assert terminal.is_restored()
    assert is_running(ours, "web")


def test_a_container_that_is_removed_ends_its_client(it: Side) -> None:
    with it.terminal("run", "-it", "--name", "web", *SHELL) as terminal:
        terminal.until("# ")
        it("rm", "-f", "web")
        assert terminal.ended() == 137
        assert terminal.is_restored()
