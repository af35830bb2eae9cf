"""Images for other machines."""

import json
from collections.abc import Callable
from pathlib import Path

from tests.build.conftest import Files
from wherry.testing.command import Wherry

Context = Callable[[Files], Path]
# The beginning of a program for arm64: an ELF header, and its machine.
PROGRAM = b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + b"\x02\0\xb7\0\x01\0\0\0".ljust(48, b"\0")
FOREIGN = """\
FROM --platform=$BUILDPLATFORM busybox AS native
RUN echo made > /made
FROM scratch AS app
ARG TARGETPLATFORM
ARG BUILDPLATFORM
ARG TARGETARCH
LABEL target=$TARGETPLATFORM/$TARGETARCH build=$BUILDPLATFORM
COPY --chmod=755 program /bin/sh
COPY --from=native /made /made
FROM app
RUN true
"""


def test_an_image_for_another_machine_is_built_from_stages_of_this_one(
    builder: Wherry, context: Context
) -> None:
    folder = str(context({"Dockerfile": FOREIGN, "program": PROGRAM}))
    words = ("build", "--platform=linux/s390x", "-q", "-t", "foreign")

    builder(*words, "--target=app", folder)

    (image,) = json.loads(builder("image", "inspect", "foreign").stdout)
    assert (image["Os"], image["Architecture"]) == ("linux", "s390x")
    labels = image["Config"]["Labels"]
    assert labels["target"] == "linux/s390x/s390x"
    assert labels["build"] != "linux/s390x"

    failed = builder(*words, folder, check=False)  # its RUN
    assert failed.returncode == 1
    assert "exec /bin/sh: exec format error" in failed.stderr
    assert "Hint: the image is for linux/s390x: this machine needs an emulator" in failed.stderr


def test_an_image_of_another_platform_is_not_taken_for_the_one_that_is_asked_for(
    builder: Wherry, context: Context
) -> None:
    folder = context({"Dockerfile": "FROM scratch\nCOPY Dockerfile /\n"})
    name = "127.0.0.1:1/foreign"  # where nobody answers
    builder("build", "--platform=linux/s390x", "-q", "-t", name, str(folder))
    context({"Dockerfile": f"FROM {name}\n"})

    builder("build", "-q", "--platform=linux/s390x", str(folder))
    assert "InvalidBaseImagePlatform" in builder("build", str(folder)).stderr
    failed = builder("build", "--platform=linux/amd64", str(folder), check=False)
    assert "connection refused" in failed.stderr
