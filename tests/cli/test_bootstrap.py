"""`wherry bootstrap`: images without a registry."""

import os
import re
from pathlib import Path

import pytest

from wherry.testing.command import Wherry

# Making an image takes half a minute, on a busy machine several times that.
pytestmark = [pytest.mark.needs("containers"), pytest.mark.timeout(600)]
DEBIAN = "debian:bookworm-slim"


@pytest.fixture(scope="module")
def debian(installation: Wherry) -> str:
    """A Debian image, made once: this takes as long as mmdebstrap does."""
    made = installation("bootstrap", DEBIAN, timeout=300)
    assert re.fullmatch(r"sha256:[0-9a-f]{64}\n", made.stdout)
    assert made.stderr.splitlines()[0] == "reading package lists"
    return DEBIAN


@pytest.mark.needs("mmdebstrap", "mirror")
def test_packages_can_be_installed_in_a_container_of_debian(wherry: Wherry, debian: str) -> None:
    script = "apt-get update -qq && apt-get install -qq hello >/dev/null && hello"

    result = wherry("run", "--rm", debian, "sh", "-c", script, timeout=300)

    assert result.stdout.endswith("Hello, world!\n")


@pytest.mark.needs("mmdebstrap", "mirror")
def test_a_debian_image_is_docker_s_in_kind(wherry: Wherry, debian: str) -> None:
    def inside(script: str) -> str:
        return wherry("run", "--rm", "--network", "none", debian, "sh", "-c", script).stdout

    assert inside("cat /etc/os-release | grep CODENAME") == "VERSION_CODENAME=bookworm\n"
    assert inside("/usr/sbin/policy-rc.d; echo $?") == "101\n"
    assert inside("ls /etc/apt/sources.list.d") == "debian.sources\n"
    left_over = "/var/cache/apt/*.bin /var/lib/apt/lists/*Packages* /var/log/dpkg.log"
    assert inside(f"ls -d {left_over} 2>/dev/null || true") == ""
    assert inside("ls /usr/share/man 2>/dev/null | head -1") == ""
    wherry("create", "--name", "plain", debian)
    assert wherry("inspect", "-f", "{{json .Config.Cmd}}", "plain").stdout == '["bash"]\n'


@pytest.mark.needs("mmdebstrap", "mirror")
@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["debian:nosuchrelease"], "there is no release 'nosuchrelease' at http"),
        (
            ["--mirror", "http://127.0.0.1:9/debian", "debian:sid"],
            "the mirror cannot be reached: Could not connect to 127.0.0.1:9",
        ),
        (["--variant", "huge", "debian:sid"], "unknown variant 'huge', not one of "),
    ],
)
def test_a_failure_says_in_a_line_what_is_wrong_and_leaves_nothing(
    wherry: Wherry, words: list[str], problem: str
) -> None:
    before = content(wherry.root)

    result = wherry("bootstrap", *words, check=False, timeout=120)

    assert result.returncode == 1
    assert result.stdout == ""
    (line,) = [one for one in result.stderr.splitlines() if one.startswith("wherry: ")]
    assert line.startswith(f"wherry: {problem}")
    assert content(wherry.root) == before


@pytest.mark.needs("mmdebstrap", "mirror")
def test_an_interrupt_leaves_nothing(wherry: Wherry) -> None:
    before = content(wherry.root)
    process = wherry.start("bootstrap", "debian:bookworm")
    assert process.stderr is not None
    assert process.stderr.readline() == b"reading package lists\n"

    process.send_signal(2)
    process.communicate(timeout=60)

    assert process.returncode == 130
    assert content(wherry.root) == before
    mounts = Path("/proc/self/mountinfo").read_text()
    assert str(wherry.root) not in mounts


def content(root: Path) -> list[str]:
    """What is staged and which layers there are."""
    return [name for folder in ("tmp", "layers") for name in sorted(os.listdir(root / folder))]


def test_without_mmdebstrap_the_package_is_named(wherry: Wherry) -> None:
    result = wherry("bootstrap", "debian:sid", check=False, PATH="/nowhere")

    assert result.stderr.endswith("Hint: install it: apt-get install mmdebstrap\n")


def test_what_cannot_be_made_is_said_with_what_can(wherry: Wherry) -> None:
    result = wherry("bootstrap", "alpine", check=False)

    assert result.stderr == (
        "wherry: alpine: no way is known to make this image here\n"
        "Hint: what can be made: busybox, debian:RELEASE, ubuntu:RELEASE\n"
    )


def test_run_says_how_to_get_a_missing_base_image(wherry: Wherry) -> None:
    result = wherry("run", "--rm", "debian:trixie", check=False)

    assert "make this image with: wherry bootstrap debian:trixie\n" in result.stderr
