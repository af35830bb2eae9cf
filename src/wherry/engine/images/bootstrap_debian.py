"""Making an image of Debian or Ubuntu from the machine's mirrors."""

import os
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from wherry.errors import InvalidArgument, NotFound
from wherry.images.debian.plan import Plan, Request, make_plan, parse_request
from wherry.images.debian.run import check_installed, root_archive
from wherry.images.debian.settings import machine_settings
from wherry.images.debian.sources import DISTRIBUTIONS, Source, read_sources, sources_for
from wherry.oci.reference import Reference
from wherry.values import dataclass, replace

if TYPE_CHECKING:
    from wherry.store.leases import Lease

SUPPORTED = tuple(sorted(DISTRIBUTIONS))


class KeysNotInstalled(NotFound):
    def __init__(self, path: str) -> None:
        package = os.path.basename(path).removesuffix(".gpg").replace("ubuntu-archive-", "ubuntu-")
        super().__init__(
            f"{path}, which the packages are verified with, is not there",
            hint=f"install it: apt-get install {package}",
        )


class InvalidEpoch(InvalidArgument):
    def __init__(self, text: str) -> None:
        super().__init__(f"SOURCE_DATE_EPOCH is no number of seconds: {text!r}")


@dataclass(frozen=True, kw_only=True, slots=True)
class DebianOptions:
    """What the flags of `bootstrap` choose; `notify` gets a line for each phase and warning."""

    variant: str = "minbase"
    include: tuple[str, ...] = ()
    mirror: str = ""
    notify: Callable[[str], None] = lambda _line: None


def debian_root(
    lease: "Lease", name: Reference, options: DebianOptions
) -> tuple[Iterable[bytes], int]:
    """The tar of a root of the release that `name` asks for, and its time in seconds."""
    request = parse_request(name, options.variant, options.include)
    check_installed()
    plan = _plan(request, options.mirror)
    epoch = _epoch()
    for warning in plan.warnings:
        options.notify(f"warning: {warning}")
    folder = lease.new_path("-bootstrap")
    folder.mkdir(mode=0o711)  # apt downloads as a user of its own
    archive = root_archive(request, plan, folder, epoch, options.notify)
    return archive, epoch


def _plan(request: Request, mirror: str) -> Plan:
    keyring = str(request.distribution.keyring_path)
    if mirror:
        sources = [
            Source(
                uris=(mirror,),
                suites=(request.suite,),
                components=request.distribution.default[0].components,
                options={"Signed-By": keyring},
            )
        ]
    else:
        sources = sources_for(request.distribution, request.suite, read_sources())
    # Without it apt would take every key that the machine trusts for anything.
    sources = [
        replace(source, options={"Signed-By": keyring, **source.options}) for source in sources
    ]
    for source in sources:
        signed_by = source.options["Signed-By"]
        if signed_by.startswith("/") and not os.path.exists(signed_by):
            raise KeysNotInstalled(signed_by)
    return make_plan(request, sources, machine_settings(uri for s in sources for uri in s.uris))


def _epoch() -> int:
    text = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not text:
        return int(time.time())
    if not (text.isascii() and text.isdecimal()):
        raise InvalidEpoch(text)
    return int(text)
