"""Which seccomp profile a container gets, resolved for its capabilities."""

from functools import lru_cache

from wherry.engine.containers.spec.security import SecurityOptions
from wherry.oci.runtime_spec import Seccomp
from wherry.runtime.seccomp_profile import default_profile, parse_profile, resolve_profile


def seccomp_section(
    options: SecurityOptions, capabilities: tuple[str, ...], *, privileged: bool
) -> Seccomp | None:
    """The filter of a container with these capabilities; None where it goes unconfined."""
    if options.seccomp == "unconfined" or (privileged and options.seccomp in ("", "builtin")):
        return None
    if options.seccomp in ("", "builtin"):
        return _default_section(frozenset(capabilities))
    return resolve_profile(parse_profile(options.seccomp), capabilities)


@lru_cache(maxsize=16)
def _default_section(capabilities: frozenset[str]) -> Seccomp:
    return resolve_profile(default_profile(), capabilities)
