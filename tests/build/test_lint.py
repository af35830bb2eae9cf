"""What the engine knows of a Dockerfile that it has built, and `wherry lint` then says."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from tests.build.conftest import Files
from wherry.testing.command import Wherry

Context = Callable[[Files], Path]
DPKG = """\
Package: curl
Status: install ok installed
Version: 7.88-1
Description: x
 y

Package: gone
Status: deinstall ok config-files
Version: 1
"""
TEXT = "FROM busybox\nWORKDIR /srv\nCOPY . .\nRUN true\n"


def _found(wherry: Wherry, folder: Path, *flags: str) -> dict[str, str]:
    """The messages of our own rules and of BuildKit's check of platforms, by their codes."""
    words = ("lint", "--no-shellcheck", "--no-fail", "-f", "json", *flags)
    findings = json.loads(wherry(*words, str(folder / "Dockerfile")).stdout)
    return {each["code"]: each["message"] for each in findings if each["code"][:2] in ("WH", "In")}


def test_a_copy_that_changes_often_in_front_of_what_takes_long(
    builder: Wherry, context: Context
) -> None:
    folder = context({"Dockerfile": TEXT})
    for content in "abc":
        builder("build", "-q", str(context({"source.py": content})))
    assert _found(builder, folder) == {}  # the RUN is a cheap one

    with closing(sqlite3.connect(builder.root / "wherry.db")) as connection, connection:
        connection.execute("UPDATE build_cache SET duration_ns = 48000000000")

    assert _found(builder, folder) == {
        "WH1001": "What is copied here was different in 3 of the builds kept, and each time "
        "`RUN true` ran again behind it (48 s). Copy first what that needs, and the rest behind it"
    }
    assert _found(builder, folder, "--no-engine") == {}
    assert _found(builder, folder, "--ignore", "WH1001") == {}


def test_secrets_and_gigabytes_that_a_copy_takes(builder: Wherry, context: Context) -> None:
    folder = context(
        {
            "Dockerfile": TEXT,
            ".env": "API_TOKEN=abc",
            ".env.example": "API_TOKEN=abc",
            "public.pem": "-----BEGIN CERTIFICATE-----",
            "server.key": "-----BEGIN EC PRIVATE KEY-----",
            ".aws/credentials": "",
            ".dockerignore": ".*\n*.key\ndata",
        }
    )
    assert _found(builder, folder) == {}
    builder("build", "-q", str(folder))
    context({"data/small": ""})
    with (folder / "data/disk").open("w") as file:
        file.truncate(2 * 10**9)  # a hole
    assert _found(builder, folder) == {}

    (folder / ".dockerignore").unlink()

    found = _found(builder, folder)
    assert ": .aws/credentials, .env, server.key. " in found["WH1002"]
    assert found["WH1003"].startswith("2.0 GB are copied into the image, most of it data/ (2.0 GB)")


def test_a_base_that_has_moved_and_one_of_another_platform(
    builder: Wherry, context: Context
) -> None:
    folder = context({"Dockerfile": "FROM base:1\nCOPY Dockerfile /\n"})
    builder("tag", "busybox", "base:1")
    builder("build", "-q", str(folder))
    assert _found(builder, folder) == {}

    context({"other": "FROM busybox\nWORKDIR /other\n"})
    other = builder("build", "-q", "-f", str(folder / "other"), str(folder)).stdout.strip()
    builder("tag", other, "base:1")

    short = other.removeprefix("sha256:")[:12]
    words = f"base:1 is another image than at the last build: {short} instead of "
    assert _found(builder, folder)["WH1004"].startswith(words)

    # And one of another platform, which BuildKit's check tells.
    context({"Dockerfile": "FROM --platform=linux/s390x busybox\n"})
    found = _found(builder, folder, "--checks")["InvalidBaseImagePlatform"]

    assert found.startswith('Base image busybox was pulled with platform "linux/')
    assert found.endswith('expected "linux/s390x" for current build')
    assert "InvalidBaseImagePlatform" not in _found(builder, folder)


def test_versions_that_an_image_has_are_pinned(builder: Wherry, context: Context) -> None:
    python, node = "usr/local/lib/python3.12/site-packages", "usr/local/lib/node_modules"
    folder = context(
        {
            "Dockerfile": f"FROM busybox\nCOPY fs /\nRUN rm /{node}/b/package.json",
            "fs/var/lib/dpkg/status": DPKG,
            "fs/lib/apk/db/installed": "P:bash\nV:5.2-r0\nA:x86_64\n\n",
            f"fs/{python}/Flask_Login-3.0.3.dist-info/METADATA": "",
            f"fs/{node}/@s/a/package.json": '{"version": "1.2.3"}',
            f"fs/{node}/b/package.json": '{"version": "1"}',
            "fs/usr/local/bundle/specifications/rake-13.2.1.gemspec": "",
            "other": "FROM debian:12\nRUN apt-get install -y --no-install-recommends curl\n"
            "RUN apt-get install -y --no-install-recommends gone && apk add --no-cache bash\n"
            "RUN pip install --no-cache-dir flask.login && npm install @s/a\n"
            "RUN gem install rake\n"
            "RUN npm install b && true\n",
        }
    )
    builder("build", "-q", "-t", "pinned", str(folder))

    words = ("lint", "--no-shellcheck", "--no-fail", "--fix-unsafe", "--image", "pinned")
    builder(*words, str(folder / "other"))

    assert (folder / "other").read_text().splitlines()[1:] == [
        "RUN apt-get install -y --no-install-recommends curl=7.88-1",
        "RUN apt-get install -y --no-install-recommends gone && apk add --no-cache bash=5.2-r0",
        "RUN pip install --no-cache-dir flask.login==3.0.3 && npm install @s/a@1.2.3",
        "RUN gem install rake:13.2.1",
        "RUN npm install b && true",
    ]
    refused = builder("lint", "--image", "pinned", str(folder / "other"), check=False)
    assert refused.returncode == 1
    assert "--image is for --fix-unsafe" in refused.stderr
