"""wherry build"""

import os

from wherry.cli.builds.cached import (
    build_if_cached,
    build_in_launcher,
    keep_builder_warm,
    may_be_cached,
)
from wherry.cli.context import Context, is_terminal
from wherry.cli.flags import Boolean, FlagSet, String, Strings, Syntax
from wherry.cli.number_flags import Bytes, BytesOrUnlimited, Integer
from wherry.linux.sealed import has_begun_again, seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from wherry.engine.builds.build import BuiltImage
    from wherry.engine.builds.options import BuildOptions

SYNTAX = Syntax("[OPTIONS] PATH | URL | -", least=1, most=1)
_PROGRESS = ("auto", "plain", "tty", "quiet", "rawjson")
_NO_DAEMON = "builds run in this process"


class _Form(String):
    """A flag that may have a value."""

    alone = "text"


class _Truth(String):
    """A flag that alone means true."""

    alone = "true"


class Flags(FlagSet):
    advise = _Form(
        "", 'Say what other orders of steps would have saved, and build nothing ("text", "json")'
    )
    add_host = Strings("", 'Add a custom host-to-IP mapping (format: "host:ip")')
    allow = Strings("", 'Allow extra privileged entitlement (e.g., "security.insecure")')
    annotation = Strings("", "Add annotation to the image")
    attest = Strings("", 'Attestation parameters: only "type=...,disabled=true"')
    build_arg = Strings("", "Set build-time variables")
    build_context = Strings("", "Additional build contexts (e.g., name=path)")
    builder = String("", "Override the configured builder instance", unsupported=_NO_DAEMON)
    cache_from = Strings(
        "", 'External cache sources (e.g., "user/app:cache", "type=local,src=path/to/dir")'
    )
    cache_to = Strings(
        "", 'Cache export destinations (e.g., "user/app:cache", "type=local,dest=path/to/dir")'
    )
    call = String("", 'Set method for evaluating build ("check", "outline", "targets")')
    cgroup_parent = String("", 'Set the parent cgroup for the "RUN" instructions during build')
    check = Boolean("", 'Shorthand for "--call=check"')
    compress = Boolean("", "Compress the build context: it is read in place", hidden=True)
    cpu_period = Integer("", "Limit the CPU CFS (Completely Fair Scheduler) period")
    cpu_quota = Integer("", "Limit the CPU CFS (Completely Fair Scheduler) quota")
    cpu_shares = Integer("c", "CPU shares (relative weight)")
    cpuset_cpus = String("", "CPUs in which to allow execution (0-3, 0,1)")
    cpuset_mems = String("", "MEMs in which to allow execution (0-3, 0,1)")
    explain = _Form("", 'Say what would be rebuilt and why, and build nothing ("text", "json")')
    file = String("f", 'Name of the Dockerfile (default: "PATH/Dockerfile")')
    force_rm = Boolean("", "Always remove intermediate containers", hidden=True)
    iidfile = String("", "Write the image ID to a file")
    ignorefile = String("", "Read the ignore rules from this file")
    label = Strings("", "Set metadata for an image")
    list_context = Boolean("", "List what of the context builds see, and build nothing")
    load = Boolean("", "Keep the image here, whatever else becomes of it")
    memory = Bytes("m", "Memory limit")
    memory_swap = BytesOrUnlimited(
        "", 'Swap limit equal to memory plus swap: "-1" to enable unlimited swap'
    )
    metadata_file = String("", "Write build result metadata to a file")
    network = String("", 'Set the networking mode for the "RUN" instructions during build')
    no_cache = Boolean("", "Do not use cache when building the image")
    no_cache_filter = Strings("", "Do not cache specified stages")
    on_error = String("", 'What follows a failed RUN: a "shell" in what it left')
    output = Strings("o", 'Output destination (format: "type=local,dest=path")')
    platform = String("", "Set target platform for build")
    progress = String(
        "", 'Set type of progress output ("auto", "plain", "tty", "quiet", "rawjson")'
    )
    provenance = _Truth("", "Attestation of provenance: only false")
    pull = Boolean("", "Always attempt to pull all referenced images")
    push = Boolean("", "Push the image under all its names")
    quiet = Boolean("q", "Suppress the build output and print image ID on success")
    rm = Boolean("", "Remove intermediate containers: there are none", hidden=True)
    sbom = _Truth("", "Attestation of contents: only false")
    secret = Strings(
        "", 'Secret to expose to the build (format: "id=mysecret[,src=/local/secret]")'
    )
    shm_size = Bytes("", 'Shared memory size for build containers (default: "64m")')
    squash = Boolean("", "Squash newly built layers into a single new layer")
    ssh = Strings("", 'SSH agent socket to expose to the build (format: "default|<id>[=<socket>]")')
    tag = Strings("t", 'Name and optionally a tag (format: "name:tag")')
    target = String("", "Set the target build stage to build")
    ulimit = Strings("", "Ulimit options")


def run(flags: Flags, context: Context) -> None:
    if context.on_cached is not None:
        _run_cached(flags, context, context.on_cached)
    elif not (context.words and _is_done_by_launcher(flags, context)):
        if context.words and _may_make_containers(flags):
            seal()  # before anything is read, or loaded that would be loaded twice
        _run(flags, context)


def _is_done_by_launcher(flags: Flags, context: Context) -> bool:
    # It has declined already what begins again.
    return not has_begun_again() and may_be_cached(flags) and build_in_launcher(context)


def _may_make_containers(flags: Flags) -> bool:
    if flags.check or flags.explain or flags.list_context or flags.advise:
        return False
    return not flags.call or "build" in flags.call.split(",")


def _run(flags: Flags, context: Context) -> None:
    from wherry.build.errors import BuildFailed
    from wherry.cli.builds.display import display_of
    from wherry.cli.builds.failures import print_failure, print_problems
    from wherry.dockerfile.errors import InvalidDockerfile
    from wherry.engine.builds.build import build_image

    options = options_of(flags)
    if flags.check or flags.call not in ("", "build"):
        from wherry.cli.builds.calls import parse_call, print_call

        call = parse_call("check" if flags.check else flags.call)
        if call.name != "build":
            print_call(call, context, options)
            return
    if flags.explain or flags.list_context or flags.advise:
        _tell(flags, options, context)
        return
    display = display_of(_progress(flags), expanded=context.log_level == "debug")
    try:
        with display:
            image = build_image(context.engine, options, display.report, warned=display.warned)
    except BuildFailed as error:
        print_failure(error, context, repeats_log=display.repeats_log)
    except InvalidDockerfile as error:
        print_problems(error, context)
    else:
        _finish(image, flags, context)
    if context.words:
        keep_builder_warm(context)


def _run_cached(flags: Flags, context: Context, on_cached: "Callable[[], None]") -> None:
    """In a fork of the launcher: what is in the cache, or `Declined`."""
    from wherry.cli.builds.display import display_of

    display = display_of(_progress(flags), expanded=context.log_level == "debug")
    image, events = build_if_cached(context, options_of(flags), display)
    on_cached()
    with display:
        for event in events:
            display.report(event)
    _finish(image, flags, context)


def _finish(image: "BuiltImage", flags: Flags, context: Context) -> None:
    """Tell of the image where that is asked for."""
    if flags.iidfile:
        from wherry.linux.files import write_atomically

        write_atomically(flags.iidfile, str(image.id).encode(), durable=False)
    if flags.metadata_file:
        _write_metadata(flags.metadata_file, image)
    # An archive on standard output is not to be followed by anything.
    if _progress(flags) == "quiet" and not image.wrote_to_stdout:
        context.out(str(image.id))


def _write_metadata(path: str, image: "BuiltImage") -> None:
    import json

    from wherry.linux.files import write_atomically

    document = {}
    if image.id != image.digest:  # which is that of an index of several configurations
        document["containerimage.config.digest"] = str(image.id)
    if image.names:
        document["image.name"] = ",".join(name.full for name in image.names)
    if image.digest is not None:
        document["containerimage.digest"] = str(image.digest)
    text = json.dumps(document, indent=2) + "\n"
    write_atomically(path, text.encode(), durable=False)


def _tell(flags: Flags, options: "BuildOptions", context: Context) -> None:
    from wherry.build.errors import BuildFailed
    from wherry.cli.builds.explanations import print_advice, print_context, print_explanation
    from wherry.cli.builds.failures import print_failure, print_problems
    from wherry.dockerfile.errors import InvalidDockerfile

    try:
        if flags.list_context:
            print_context(context, options)
        elif flags.advise:
            print_advice(context, options, flags.advise)
        else:
            print_explanation(context, options, flags.explain)
    except BuildFailed as error:
        print_failure(error, context, repeats_log=False)
    except InvalidDockerfile as error:
        print_problems(error, context)


def options_of(flags: Flags) -> "BuildOptions":
    """The engine's options."""
    from wherry.engine.builds.options import BuildOptions, build_arguments

    return BuildOptions(
        context=flags.operands[0],
        file=flags.file,
        tags=flags.tag,
        target=flags.target,
        build_args=build_arguments(flags.build_arg, os.environ),
        labels=_pairs(flags.label),
        build_contexts=_pairs(flags.build_context),
        secrets=flags.secret,
        ssh=flags.ssh,
        no_cache=flags.no_cache,
        no_cache_filter=tuple(
            name for text in flags.no_cache_filter for name in text.split(",") if name
        ),
        pull=flags.pull,
        platform=flags.platform,
        network=flags.network,
        add_hosts=flags.add_host,
        shm_size=flags.shm_size,
        ulimits=flags.ulimit,
        memory=flags.memory,
        memory_swap=flags.memory_swap,
        cpu_period=flags.cpu_period,
        cpu_quota=flags.cpu_quota,
        cpu_shares=flags.cpu_shares,
        cpuset_cpus=flags.cpuset_cpus,
        cpuset_mems=flags.cpuset_mems,
        cgroup_parent=flags.cgroup_parent,
        ignorefile=flags.ignorefile,
        allow=flags.allow,
        on_error=flags.on_error,
        outputs=flags.output,
        push=flags.push,
        load=flags.load,
        squash=flags.squash,
        cache_from=flags.cache_from,
        cache_to=flags.cache_to,
        annotations=flags.annotation,
        attest=flags.attest,
        provenance=flags.provenance,
        sbom=flags.sbom,
        cwd=os.getcwd(),
    )


def _pairs(texts: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        name, _, value = text.partition("=")
        pairs[name] = value
    return pairs


def _progress(flags: Flags) -> str:
    from wherry.errors import InvalidArgument

    if flags.quiet:
        return "quiet"
    if flags.on_error and not flags.progress:
        return "plain"  # the terminal is the shell's meanwhile
    chosen = flags.progress or os.environ.get("BUILDKIT_PROGRESS", "") or "auto"
    if chosen not in _PROGRESS:
        raise InvalidArgument(f"invalid progress mode {chosen}: one of {', '.join(_PROGRESS)}")
    if chosen == "auto":
        return "tty" if is_terminal(2) else "plain"
    return chosen
