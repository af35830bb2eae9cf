"""The settings as --verbose shows them."""

from collections.abc import Iterable, Iterator

from wherry.lint.finding import Level
from wherry.lint.settings import DEFAULT_THRESHOLD, Settings


def described(settings: Settings) -> str:
    return "\n".join(_lines(settings)) + "\n"


def _lines(settings: Settings) -> Iterator[str]:
    yield "Configuration:"
    yield f"  no fail: {bool(settings.no_fail)}"
    yield f"  no color: {bool(settings.no_color)}"
    yield from _list("output format", settings.formats)
    yield f"  failure threshold: {(settings.threshold or DEFAULT_THRESHOLD).value}"
    for level in (Level.ERROR, Level.WARNING, Level.INFO, Level.STYLE):
        codes = settings.overrides.get(level, ())
        yield from _list(f"override {level.value}", (f'"{code}"' for code in codes))
    yield from _list("override ignore", (f'"{code}"' for code in settings.ignored))
    yield f"  strict labels: {bool(settings.strict_labels)}"
    labels = (f"{name}: {kind.value}" for name, kind in settings.labels.items())
    yield from _list("label schema", labels)
    yield f"  disable ignore pragma: {bool(settings.disable_ignore_pragma)}"
    yield from _list("allowed registries", settings.trusted_registries)


def _list(title: str, items: Iterable[str]) -> Iterator[str]:
    lines = [f"    - {item}" for item in items]
    yield f"  {title}:"
    yield from lines or ["    none"]
