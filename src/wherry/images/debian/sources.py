"""Where apt gets its packages: the machine's sources, and those of an image made from them.

Both forms are read: deb822 (`*.sources`) and one line each (`*.list`), sources.list(5). The
image keeps the machine's mirrors, for the suite that is asked for.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from wherry.values import dataclass, field, replace

_SECURITY = ("-security", "/updates")
# Until Debian 10 the security suites were called buster/updates.
_SECURITY_AS_UPDATES = frozenset({"jessie", "stretch", "buster"})
_SUFFIX = re.compile(r"(-updates|-security|/updates|-backports.*|-proposed.*)$")
_LINE = re.compile(
    r"deb\s+(?:\[(?P<options>[^\]]*)\]\s*)?(?P<uri>\S+)\s+(?P<suite>\S+)(?P<rest>.*)"
)
_OPTION_NAMES = {"signed-by": "Signed-By", "trusted": "Trusted", "check-date": "Check-Date"}
_OPTION_NAMES["check-valid-until"] = "Check-Valid-Until"
_KEPT_OPTIONS = frozenset(_OPTION_NAMES.values())


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A stanza: packages under each of `uris`, for each of `suites`."""

    uris: tuple[str, ...]
    suites: tuple[str, ...]
    components: tuple[str, ...]
    options: dict[str, str] = field(default_factory=dict)

    def to_deb822(self) -> str:
        lines = [
            "Types: deb",
            f"URIs: {' '.join(self.uris)}",
            f"Suites: {' '.join(self.suites)}",
            f"Components: {' '.join(self.components)}",
            *(f"{name}: {value}" for name, value in sorted(self.options.items())),
        ]
        return "\n".join(lines) + "\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Distribution:
    """What tells the sources of a distribution from others, and where it is by default."""

    name: str
    keyring: str
    path: re.Pattern[str]  # of its mirrors' addresses
    default: tuple[Source, ...]  # with {suite} to be filled in
    rolling: frozenset[str] = frozenset()  # suites without updates and security

    @property
    def keyring_path(self) -> Path:
        return Path("/usr/share/keyrings", self.keyring)


DEBIAN = Distribution(
    name="debian",
    keyring="debian-archive-keyring.gpg",
    path=re.compile(r"/debian(-security|-archive|-snapshot)?(/|$)"),
    default=(
        Source(
            uris=("http://deb.debian.org/debian",),
            suites=("{suite}", "{suite}-updates"),
            components=("main",),
        ),
        Source(
            uris=("http://deb.debian.org/debian-security",),
            suites=("{suite}-security",),
            components=("main",),
        ),
    ),
    rolling=frozenset({"sid", "unstable", "experimental", "rc-buggy"}),
)
UBUNTU = Distribution(
    name="ubuntu",
    keyring="ubuntu-archive-keyring.gpg",
    path=re.compile(r"/ubuntu(-ports)?(/|$)"),
    default=(
        Source(
            uris=("http://archive.ubuntu.com/ubuntu",),
            suites=("{suite}", "{suite}-updates"),
            components=("main", "universe"),
        ),
        Source(
            uris=("http://security.ubuntu.com/ubuntu",),
            suites=("{suite}-security",),
            components=("main", "universe"),
        ),
    ),
)
DISTRIBUTIONS = {distribution.name: distribution for distribution in (DEBIAN, UBUNTU)}


def read_sources(folder: Path = Path("/etc/apt")) -> list[Source]:
    """Every enabled source of binary packages, in apt's order."""
    sources: list[Source] = []
    files = [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]
    for path in files:
        if not path.is_file():
            continue
        text = path.read_text(errors="replace")
        if path.suffix == ".list":
            sources += parse_lines(text)
        elif path.suffix == ".sources":
            sources += parse_stanzas(text)
    return sources


def parse_lines(text: str) -> Iterator[Source]:
    """Sources in the form of one line each."""
    for line in text.splitlines():
        match = _LINE.match(line.partition("#")[0].strip())
        if match is None:
            continue
        options = {}
        for word in (match["options"] or "").split():
            name, _, value = word.partition("=")
            if name.lower() in _OPTION_NAMES:
                options[_OPTION_NAMES[name.lower()]] = value.replace(",", " ")
        yield Source(
            uris=(match["uri"],),
            suites=(match["suite"],),
            components=tuple(match["rest"].split()),
            options=options,
        )


def parse_stanzas(text: str) -> Iterator[Source]:
    """Sources in deb822 form."""
    for stanza in re.split(r"\n\s*\n", text):
        fields = _fields(stanza)
        if "deb" not in fields.get("types", "").split():
            continue
        if fields.get("enabled", "yes").lower() in ("no", "false", "0"):
            continue
        yield Source(
            uris=tuple(fields.get("uris", "").split()),
            suites=tuple(fields.get("suites", "").split()),
            components=tuple(fields.get("components", "").split()),
            options={
                name: fields[name.lower()] for name in _KEPT_OPTIONS if name.lower() in fields
            },
        )


def _fields(stanza: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    name = ""
    for line in stanza.splitlines():
        if line.startswith("#"):
            continue
        if line[:1] in (" ", "\t") and name:  # goes on, as a key given in full does
            fields[name] += "\n" + line
            continue
        name, _, value = line.partition(":")
        name = name.strip().lower()
        fields[name] = value.strip()
    return fields


def sources_for(
    distribution: Distribution, suite: str, of_machine: Iterable[Source]
) -> list[Source]:
    """What an image of `suite` is to get its packages from.

    The machine's mirrors of the distribution, with its own choice of suites where that is the
    suite asked for, else the same places for the other suite; the project's own mirrors where
    the machine has none.
    """
    known = [source for source in of_machine if _belongs(source, distribution)]
    own = [
        replace(source, suites=suites)
        for source in known
        if (suites := tuple(s for s in source.suites if _SUFFIX.sub("", s) == suite))
    ]
    if any(suite in source.suites for source in own):
        return own
    templates = _templates(known) or [
        replace(source, options={"Signed-By": str(distribution.keyring_path)})
        for source in distribution.default
    ]
    return [
        replace(source, suites=suites)
        for source in templates
        if (suites := tuple(_filled(source.suites, suite, distribution)))
    ]


def _belongs(source: Source, distribution: Distribution) -> bool:
    by_key = distribution.keyring.removesuffix(".gpg") in source.options.get("Signed-By", "")
    by_path = all(distribution.path.search(uri) for uri in source.uris)
    # Others use the same paths and suites ("stable"), but not the component main beside them.
    return bool(source.suites) and "main" in source.components and (by_key or by_path)


def _templates(known: Iterable[Source]) -> list[Source]:
    """The machine's sources with {suite} in place of the release it runs."""
    templates = []
    for source in known:
        suffixes = {_SUFFIX.search(suite) for suite in source.suites}
        kept = sorted({match.group() if match else "" for match in suffixes})
        kept = [suffix for suffix in kept if suffix in ("", "-updates", *_SECURITY)]
        if kept:
            templates.append(replace(source, suites=tuple("{suite}" + s for s in kept)))
    return templates


def _filled(templates: Iterable[str], suite: str, distribution: Distribution) -> Iterator[str]:
    for template in templates:
        suffix = template.removeprefix("{suite}")
        if suffix and suite in distribution.rolling:
            continue
        if suffix in _SECURITY:
            suffix = "/updates" if suite in _SECURITY_AS_UPDATES else "-security"
        yield suite + suffix
