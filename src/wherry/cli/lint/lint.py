"""wherry lint"""

import os

from wherry.cli.context import Context
from wherry.cli.flags import Boolean, FlagSet, String, Strings, Syntax
from wherry.errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from wherry.dockerfile.source import Source
    from wherry.lint.linter import Report
    from wherry.lint.options import Options
    from wherry.lint.reading import Reading
    from wherry.lint.settings import Settings

SYNTAX = Syntax(
    "[OPTIONS] [DOCKERFILE...]",
    most=None,
    usage_status=1,
    description="Check Dockerfiles, or standard input for -, by hadolint's rules, with its flags",
)


class Flags(FlagSet):
    checks = Boolean("", "Run BuildKit's checks too")
    config = String("c", "Path of the configuration file")
    diff = Boolean("", "Show what --fix would change, and change nothing")
    disable_ignore_pragma = Boolean("", "Disable comments such as # hadolint ignore=DL3008")
    error = Strings("", "Make the rule have the level error")
    explain = String("", "Tell what a rule means, with a bad and a good example")
    file_path_in_report = String("", "Path that reports name instead of the file's")
    failure_threshold = String(
        "t", "Fail for findings of this level or a worse one (error|warning|info|style|ignore|none)"
    )
    fix = Boolean("", "Repair what has a safe repair, in place")
    fix_unsafe = Boolean(
        "", "Repair too what may build something else: versions of --image, quotes, SHELL"
    )
    format = Strings(
        "f",
        "Output format (tty|json|checkstyle|codeclimate|gitlab_codeclimate|gnu|codacy|sonarqube|"
        "sarif|junit|github|buildkit)",
    )
    ignore = Strings("", "Ignore the rule")
    image = Strings("", "An image built from the file, whose packages' versions --fix-unsafe pins")
    info = Strings("", "Make the rule have the level info")
    list_rules = Boolean("", "List the rules")
    no_engine = Boolean("", "Do not use what the engine knows of its builds of a file")
    no_color = Boolean("", "Do not colour the output")
    no_shellcheck = Boolean("", "Do not ask ShellCheck, where it is installed")
    no_fail = Boolean("", "Exit with 0 whatever is found")
    output = Strings("o", "Write the report of the format at the same position to this file")
    require_label = Strings("", "A label that images must have, such as maintainer:text")
    strict_hadolint = Boolean(
        "", "Report DL1000 where hadolint's parser stops, though the builder goes on"
    )
    strict_labels = Boolean("", "Do not permit labels other than the required ones")
    style = Strings("", "Make the rule have the level style")
    trusted_registry = Strings("", "A registry that FROM may name")
    verbose = Boolean("V", "Show the configuration on standard error")
    version = Boolean("v", "Show the version")
    warning = Strings("", "Make the rule have the level warning")


def run(flags: Flags, context: Context) -> None:
    if flags.version:
        from wherry.version import __version__

        context.out(f"Wherry Dockerfile Linter {__version__}")
    elif flags.list_rules or flags.explain:
        from wherry.lint.pages import explain_rule, list_rules

        context.write(explain_rule(flags.explain) if flags.explain else list_rules())
    elif not flags.operands:
        context.out("Please provide a Dockerfile")
        context.status = 1
    else:
        _lint(flags, context)


def _lint(flags: Flags, context: Context) -> None:
    from wherry.lint.reading import Reading

    sources = [_read(name) for name in flags.operands]
    changes = flags.fix or flags.fix_unsafe or flags.diff
    if flags.image and not flags.fix_unsafe:
        raise InvalidArgument("--image is for --fix-unsafe, which pins the versions that it has")
    # What starts ShellCheck first, all else while it works.
    with Reading(sources, shellcheck=not flags.no_shellcheck and not changes) as reading:
        _report_on(reading, flags, context)


def _report_on(reading: "Reading", flags: Flags, context: Context) -> None:
    from wherry.cli.lint.surroundings import known_of
    from wherry.lint.formats.format import NEVER_FAIL
    from wherry.lint.linter import lint_all, report_all
    from wherry.lint.settings import DEFAULT_THRESHOLD
    from wherry.values import replace

    settings = _settings(flags, context)
    if settings.verbose:
        from wherry.lint.verbose import described

        context.err(described(settings).rstrip("\n"))
    known = (
        {} if flags.no_engine else known_of(reading.documents, context, wants_bases=flags.checks)
    )
    options = replace(
        settings.options(),
        checks=flags.checks,
        shellcheck=not flags.no_shellcheck,
        surroundings=known,
    )
    if flags.fix or flags.fix_unsafe or flags.diff:
        if flags.image:
            options = replace(options, installed=_packages(flags.image, context))
        read = [document.source for document in reading.documents]
        sources = [_fixed(source, options, settings, flags, context) for source in read]
        if flags.diff:
            return
        reports = lint_all(sources, options)
    else:
        reports = report_all(reading, options)
    _report(reports, settings, flags, context)
    threshold = settings.threshold or DEFAULT_THRESHOLD
    if settings.no_fail or any(name in NEVER_FAIL for name in settings.formats):
        return
    if any(
        finding.level.is_at_least(threshold) or not report.is_readable
        for report in reports
        for finding in report.findings
    ):
        context.status = 1


def _packages(images: tuple[str, ...], context: Context) -> dict[str, dict[str, str]]:
    """Those of all `images`; the first that has a package says which version."""
    from wherry.engine.images.packages import installed_packages

    found: dict[str, dict[str, str]] = {}
    for image in images:
        for manager, versions in installed_packages(context.engine, image).items():
            found[manager] = {**versions, **found.get(manager, {})}
    return found


def _settings(flags: Flags, context: Context) -> "Settings":
    """What environment, file and flags ask for."""
    from wherry.lint.configuration import (
        InvalidConfiguration,
        find_file,
        read_environment,
        read_file,
    )

    settings = read_environment(os.environ)
    path = flags.config or find_file(os.environ, ".")
    if path is not None:
        if flags.verbose:
            context.err(f"Configuration file used: {path}")
        try:
            settings = settings.under(read_file(path))
        except InvalidConfiguration as error:
            context.err(error.message)  # and go on without it, as hadolint does
    return settings.under(_from_flags(flags))


def _from_flags(flags: Flags) -> "Settings":
    from wherry.lint.finding import Level
    from wherry.lint.formats.format import FORMATS
    from wherry.lint.settings import Settings, read_label, read_severity

    for name in flags.format:
        if name not in FORMATS:
            raise InvalidArgument(f"unknown format {name!r}", hint=f"one of {', '.join(FORMATS)}")
    return Settings(
        ignored=flags.ignore,
        overrides={
            Level.ERROR: flags.error,
            Level.WARNING: flags.warning,
            Level.INFO: flags.info,
            Level.STYLE: flags.style,
        },
        trusted_registries=flags.trusted_registry,
        labels=dict(read_label(text) for text in flags.require_label),
        strict_labels=flags.strict_labels or None,
        strict_hadolint=flags.strict_hadolint or None,
        disable_ignore_pragma=flags.disable_ignore_pragma or None,
        no_fail=flags.no_fail or None,
        no_color=flags.no_color or None,
        verbose=flags.verbose or None,
        formats=flags.format,
        threshold=read_severity(flags.failure_threshold) if flags.failure_threshold else None,
    )


def _read(name: str) -> "Source":
    from wherry.dockerfile.parser import LARGEST
    from wherry.lint.reading import decoded

    with open(0 if name == "-" else name, "rb", closefd=name != "-") as file:
        return decoded(file.read(LARGEST + 1), name)


def _fixed(
    source: "Source", options: "Options", settings: "Settings", flags: Flags, context: Context
) -> "Source":
    """The repaired text; shown as a difference, written back, or for standard input printed."""
    from wherry.lint.fixes import fix

    repaired = fix(source, options, unsafe=flags.fix_unsafe)
    if flags.diff:
        from difflib import unified_diff

        lines = unified_diff(
            source.text.splitlines(keepends=True),
            repaired.text.splitlines(keepends=True),
            source.name,
            source.name,
        )
        for line in lines:
            context.write(
                line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
            )
            context.status = 0 if settings.no_fail else 1
    elif source.name == "-":
        context.write(repaired.text)
    elif repaired.text != source.text:
        from wherry.linux.files import write_atomically

        target = os.path.realpath(source.name)
        mode = os.stat(target).st_mode & 0o7777
        write_atomically(
            target, repaired.text.encode("utf-8", "surrogateescape"), mode, durable=False
        )
    return repaired


def _report(
    reports: "Sequence[Report]", settings: "Settings", flags: Flags, context: Context
) -> None:
    """Each format to the output at its position: tty and standard output where one is missing."""
    from wherry.lint.formats.format import Style, writer_of

    style = Style(color=not settings.no_color, path=flags.file_path_in_report)
    formats = settings.formats or ("tty",)
    outputs = flags.output
    for at in range(max(len(formats), len(outputs))):
        text = writer_of(formats[at] if at < len(formats) else "tty")(reports, style)
        output = outputs[at] if at < len(outputs) else "-"
        if output != "-":
            _write_file(output, text)
        elif (flags.fix or flags.fix_unsafe) and "-" in flags.operands:
            context.err(text.rstrip("\n"))  # standard output has the repaired text
        else:
            context.write(text)


def _write_file(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)
