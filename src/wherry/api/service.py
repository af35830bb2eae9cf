"""What the answers to all requests share: threads, events, and what waits for its start."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path

from wherry.api.attachments import WaitingClients
from wherry.api.execs import Execs
from wherry.api.news import News
from wherry.api.threads import Workers
from wherry.shim.client import Connection


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
        self.builds: dict[str, Connection] = {}  # under way, by the IDs that their clients chose
        self._tasks: set[asyncio.Task[None]] = set()  # kept from being collected

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        """Have work done that no request waits for."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
