"""What a launcher does before there is a request, so that its children find it done."""

import os
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

from wherry.engine.engine import Engine
from wherry.engine.requests import payload as of
from wherry.engine.requests.examples import use_documents, use_spec
from wherry.engine.requests.execs import plan_exec_in_vain
from wherry.errors import WherryError
from wherry.linux.cgroup.hierarchies import hierarchies
from wherry.oci.runtime_spec import Seccomp
from wherry.runtime.seccomp import compile_filter, is_compiled
from wherry.store.containers import supervised_ids
from wherry.store.hold import hold_open
from wherry.store.store import Store

# What functions import when they need it, so that what does without a launcher starts sooner.
LATE = (
    *("wherry.engine.requests.execs", "wherry.engine.requests.making"),
    *("wherry.engine.containers.guard", "wherry.shim.names"),
)


def warm(root: Path, run_folder: Path) -> None:
    """Fill what is remembered for a process's life, so that each child finds it there."""
    for name in LATE:
        __import__(name)
    hierarchies()
    use_documents()
    spec = use_spec()
    with suppress(WherryError, OSError):  # each request that meets it will say what is wrong
        if spec.linux is not None and spec.linux.seccomp is not None:
            filters = root / "seccomp"
            if not is_compiled(spec.linux.seccomp, filters):
                _in_a_child(partial(_begin, root, run_folder, spec.linux.seccomp))
            compile_filter(spec.linux.seccomp, filters)
        with closing(Store(root, run_folder).database) as database:
            hold_open(database)


def _begin(root: Path, run_folder: Path, section: Seccomp) -> None:
    """Make what a new installation needs. It takes modules that few processes use, and some that
    run hooks in each fork."""
    with closing(Store(root, run_folder).database) as database:
        _ = database.connection
    compile_filter(section, root / "seccomp")


def _in_a_child(work: Callable[[], None]) -> None:
    child = os.fork()
    if child == 0:
        try:
            with suppress(WherryError, OSError):  # as above
                work()
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def rehearse(root: Path, run_folder: Path, *, execs: bool = False) -> None:
    """What a child can do before it has a request, so that the request need not wait for it.

    After a fork the first touch of each page of memory costs a copy: it is touched here. Only
    where `execs` are carried out as well, what these touch; that once more when somebody knocks,
    for by then other programs have had the processor's caches.
    """
    engine = of.prepared[0] if of.prepared else Engine(root, run_folder)
    if not of.prepared:
        use_documents()
        use_spec()
    with suppress(WherryError, OSError):  # the request will say what is wrong
        running = supervised_ids(engine.store)
        if not of.prepared:
            of.prepared.append(engine)
        if execs:
            plan_exec_in_vain(engine, next(iter(running), ""))
