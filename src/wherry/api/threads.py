"""Where the engine's work is done: in threads, so that no request waits for another's.

The event loop only moves bytes. Everything that may block runs in a thread with an `Engine` of
its own, since a connection of SQLite belongs to one thread:

    run        in one of a pool: what is over soon
    run_alone  in a thread for this alone, however long it takes: a stop, a stream, an archive

Threads never fork: what needs a process is asked of the launcher, see `shim.client`.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from wherry.engine.engine import Engine
from wherry.errors import Unavailable

P = ParamSpec("P")
T = TypeVar("T")

_POOL = 32  # threads at most; there are as many as are busy at once
_ALONE = 1024  # long operations at once


class TooManyRequests(Unavailable):
    def __init__(self) -> None:
        super().__init__(f"more than {_ALONE} long requests are under way; try again later")


class Workers:
    """The threads of one service, on one installation."""

    def __init__(self, root: Path, run: Path) -> None:
        self.root = root
        self.run_folder = run
        self._own = threading.local()
        self._pool = ThreadPoolExecutor(_POOL, "wherry-api")
        self._alone = 0

    async def run(
        self, function: Callable[Concatenate[Engine, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """What `function` returns for an engine and the arguments; for what is over soon."""
        call = partial(self._call, function, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)

    def _call(
        self, function: Callable[Concatenate[Engine, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        engine: Engine | None = getattr(self._own, "engine", None)
        if engine is None or not engine.store.database.is_in_place:
            engine = self._own.engine = Engine(self.root, self.run_folder)
        return function(engine, *args, **kwargs)

    async def run_alone(
        self, function: Callable[Concatenate[Engine, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """The same, for what may take any time. Whoever stops waiting does not stop it."""
        if self._alone >= _ALONE:
            raise TooManyRequests
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()

        def deliver(value: T | None, error: BaseException | None) -> None:
            self._alone -= 1
            if answer.done():
                return  # nobody waits for it any more
            if error is not None:
                answer.set_exception(error)
            else:
                answer.set_result(value)  # type: ignore[arg-type]  # None only beside an error

        def work() -> None:
            engine = Engine(self.root, self.run_folder)
            value: T | None = None
            failure: BaseException | None = None
            try:
                value = function(engine, *args, **kwargs)
            except BaseException as error:  # noqa: BLE001  # raised again by whoever awaits it
                failure = error
            finally:
                engine.store.database.close()
            loop.call_soon_threadsafe(deliver, value, failure)

        self._alone += 1
        try:
            threading.Thread(target=work, name="wherry-api-alone", daemon=True).start()
        except RuntimeError:
            self._alone -= 1
            raise TooManyRequests from None
        return await answer
