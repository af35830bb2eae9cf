"""Builds that a Python program asks for: a child carries them out, and nobody can tell."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from uuid import uuid4

import pytest

from tests.build.conftest import Files
from wherry.build.errors import BuildFailed
from wherry.engine.builds.build import build_image, quiet
from wherry.engine.builds.options import options_from
from wherry.engine.containers.orders import launcher_of
from wherry.engine.engine import Engine
from wherry.errors import InvalidArgument, WherryError
from wherry.testing.command import Wherry
from wherry.testing.waiting import eventually

Context = Callable[[Files], Path]

PROGRAM = """
import signal, sys, threading
from wherry import Engine

signal.signal(signal.SIGINT, signal.default_int_handler)
done = threading.Event()
threading.Thread(target=done.wait, daemon=True).start()
print(Engine(*sys.argv[1:3]).images.build(sys.argv[3]))
"""


@pytest.fixture(params=["on", "off"])
def launcher(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("WHERRY_LAUNCHER", request.param)
    return str(request.param)


@pytest.fixture
def engine(builder: Wherry) -> Iterator[Engine]:
    engine = Engine(builder.root, builder.run_folder)
    yield engine
    engine.store.database.close()


def program(builder: Wherry, folder: str) -> list[str]:
    return [sys.executable, "-c", PROGRAM, str(builder.root), str(builder.run_folder), folder]


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_what_a_program_builds_is_built_out_of_its_steps_reach_and_ends_with_it(
    builder: Wherry, context: Context, launcher: str, end: signal.Signals
) -> None:
    mark = uuid4().hex
    folder = context({"Dockerfile": f"FROM busybox\nRUN sleep 600; : {mark}\n"})
    environment = builder.environment | {"WHERRY_LAUNCHER": launcher}
    asking = subprocess.Popen(
        program(builder, str(folder)), env=environment, stderr=subprocess.DEVNULL
    )
    try:
        step = eventually(lambda: _running(mark), seconds=20, what="the step runs")
        status = Path(f"/proc/{step}/status").read_text()
        made_by = status.partition("PPid:")[2].split()[0]
        program_of_builder = os.statvfs(f"/proc/{made_by}/exe")
    finally:
        asking.send_signal(end)
        asking.wait(20)

    assert program_of_builder.f_flag & os.ST_RDONLY  # CVE-2019-5736
    if end is signal.SIGINT:  # the program waits until all is away
        assert _running(mark) is None
    eventually(lambda: _running(mark) is None, what="the step ends")


def _running(mark: str) -> int | None:
    """The process of the step that has this mark."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:  # it has ended
            continue
        if words[:2] == [b"/bin/sh", b"-c"] and mark.encode() in words[2]:
            return int(path.parent.name)
    return None


def test_a_step_that_fails_is_told_with_all_that_is_known_of_it(
    engine: Engine, context: Context, launcher: str
) -> None:
    folder = context({"Dockerfile": "FROM busybox\n\nRUN echo before; exit 7\n"})

    with ThreadPoolExecutor(1) as threads:
        done = Event()
        threads.submit(done.wait)
        try:
            with pytest.raises(BuildFailed, match="exit code: 7") as failure:
                engine.images.build(folder)
        finally:
            done.set()

    error = failure.value
    assert (error.step, error.log) == ("[2/2] RUN echo before; exit 7", b"before\n")
    assert (error.command, error.status) == ("/bin/sh -c echo before; exit 7", 7)
    assert (error.kind, error.http_status) == ("Internal", 500)
    assert "--on-error shell" in error.hint
    assert error.place is not None
    assert (error.place.file, error.place.first, error.place.last) == ("Dockerfile", 3, 3)
    assert "   3 | >>> RUN echo before; exit 7\n" in error.place.excerpt


@pytest.mark.parametrize(
    ("dockerfile", "options"),
    [
        ("FROM busybox\nRUNN\n", {}),
        ("FROM busybox\nCOPY nothing /\n", {}),
        ("FROM busybox\n", {"tag": "In Valid"}),
        ("FROM busybox\n", {"platform": "a/b/c/d"}),
        ("FROM busybox\n", {"network": "none-of-ours"}),
        ("FROM busybox\n", {"file": "other"}),
        ("FROM busybox\n", {"secrets": ["id=a,src=/nothing"]}),
        ("FROM busybox\n", {"outputs": ["type=local,dest=/proc/nothing/folder"]}),
        ("# check=error=true\nfrom busybox\nCOPY . /\n", {}),
    ],
)
def test_errors_are_those_of_a_build_in_this_very_process(
    dockerfile: str, options: dict[str, object], engine: Engine, context: Context
) -> None:
    folder = str(context({"Dockerfile": dockerfile}))
    words = dict(options)
    tags = (words.pop("tag"),) if "tag" in words else ()

    with pytest.raises((WherryError, OSError)) as here:
        build_image(engine, options_from(context=folder, tags=tags, **words), quiet)
    with pytest.raises(type(here.value)) as there:
        engine.images.build(folder, **options)  # type: ignore[arg-type]

    assert str(there.value) == str(here.value)
    assert vars(there.value) == vars(here.value)


def test_what_cannot_be_handed_on_is_refused(engine: Engine, context: Context) -> None:
    folder = context({"Dockerfile": "FROM busybox\n"})

    with pytest.raises(InvalidArgument, match="build's option secrets: a list_iterator"):
        engine.images.build(folder, secrets=iter([]))
    with pytest.raises(InvalidArgument, match="unknown option of build: offers"):
        engine.images.build(folder, offers={})


def test_a_build_has_its_program_s_folder_streams_and_environment(
    builder: Wherry, context: Context, launcher: str, tmp_path: Path
) -> None:
    script = (
        "import sys; from wherry import Engine; Engine(*sys.argv[1:3]).images.build('.', file='-',"
        " secrets=['id=key,env=KEY'], build_args={'A': 'b'}, outputs=['-'])"
    )
    dockerfile = b"""\
FROM busybox AS one
ARG A
RUN --mount=type=secret,id=key cp /run/secrets/key /key; echo $A > /a
FROM scratch
COPY --from=one /key /a /
COPY file /
"""
    folder = context({"file": "read in place"})

    made = subprocess.run(
        [sys.executable, "-c", script, builder.root, builder.run_folder],
        env=builder.environment | {"WHERRY_LAUNCHER": launcher, "KEY": "hidden"},
        cwd=folder,
        input=dockerfile,
        stdout=subprocess.PIPE,
        check=True,
    )

    subprocess.run(["tar", "x", "-C", tmp_path], input=made.stdout, check=True)
    texts = {name: (tmp_path / name).read_text() for name in ("key", "a", "file")}
    assert texts == {"key": "hidden", "a": "b\n", "file": "read in place"}


def test_a_program_that_sees_other_files_than_the_launcher_builds_what_it_sees(
    builder: Wherry, engine: Engine, context: Context
) -> None:
    folder = context({"Dockerfile": "FROM busybox\nRUNNING\n"})
    launcher_of(engine).ensure_started()
    mount = f"mount -t tmpfs none {folder}; printf 'FROM busybox\\n' > {folder}/Dockerfile"

    made = subprocess.run(
        ["unshare", "-m", "sh", "-c", f'{mount}; "$@"', "sh", *program(builder, str(folder))],
        env=builder.environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert made.stdout.startswith("sha256:")
