"""What the answers to all requests share: threads, events, and what waits for its start."""

import asyncio
from pathlib import Path

from wherry.api.attachments import WaitingClients
from wherry.api.execs import Execs
from wherry.api.news import News
from wherry.api.threads import Workers


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
        self.tasks: set[asyncio.Task[None]] = set()  # kept from being collected
