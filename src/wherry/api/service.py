"""What the answers to all requests share: threads, events, and what waits for its start."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING

from wherry.api.attachments import WaitingClients
from wherry.api.execs import Execs
from wherry.api.news import News
from wherry.api.threads import Workers

if TYPE_CHECKING:
    from wherry.api.buildkit.builder import Builder


class Service:
    """One service on one installation. It has no state that a restart would lose but execs."""

    def __init__(self, root: Path, run: Path) -> None:
        self.loop = asyncio.get_running_loop()
        self.root = root
        self.run = run
        self.workers = Workers(root, run)
        self.news = News(root, run)
        self.waiting = WaitingClients()
        self.execs = Execs()
        # What ends a build that is under way, by the ID that its client chose.
        self.builds: dict[str, Callable[[], object]] = {}
        self.builder: Builder | None = None  # BuildKit's, once a client of its has come
        self._tasks: set[asyncio.Task[None]] = set()  # kept from being collected

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        """Have work done that no request waits for."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
