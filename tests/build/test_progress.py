"""What a build shows: a tree on a terminal, nothing when it is to be quiet."""

from collections.abc import Callable
from pathlib import Path

from tests.build.conftest import Files
from wherry.linux.cgroup.manager import list_orphans
from wherry.testing.command import Wherry
from wherry.testing.terminal import Terminal
from wherry.testing.waiting import eventually

Context = Callable[[Files], Path]


def test_a_terminal_shows_what_runs_and_ctrl_c_ends_it(builder: Wherry, context: Context) -> None:
    text = (
        "FROM busybox\nRUN echo a\nRUN i=0; while :; do echo line $i; i=$((i+1)); sleep 1; done\n"
    )
    folder = context({"Dockerfile": text})

    with Terminal(builder.command("build", str(folder)), builder.environment) as terminal:
        shown = terminal.until("# line 0")
        assert "[+] Building" in shown
        assert " => [2/3] RUN echo a" in shown
        terminal.type("\x03")
        assert terminal.ended() == 130
        assert terminal.is_restored()
        assert "CANCELED [3/3]" in terminal.seen

    eventually(lambda: not list_orphans("/wherry", ()), seconds=10, what="the step is gone")
    assert "hit   [2/3] RUN echo a" in builder("build", "--explain", str(folder)).stdout


def test_a_quiet_build_says_its_image_or_its_failure(builder: Wherry, context: Context) -> None:
    folder = context({"Dockerfile": "FROM busybox\nRUN echo said\n"})

    built = builder("build", "-q", str(folder))
    again = builder("build", "--progress", "quiet", str(folder))

    assert built.stdout == again.stdout
    assert built.stderr == again.stderr == ""
    (folder / "Dockerfile").write_text("FROM busybox\nRUN echo said >&2; exit 3\n")
    failed = builder("build", "-q", str(folder), check=False)
    assert failed.stdout == ""
    assert "\nsaid\n" in failed.stderr
    assert "exit code: 3" in failed.stderr
