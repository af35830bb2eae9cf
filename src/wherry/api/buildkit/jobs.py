"""Builds under way, by the names that their clients gave them.

Of a build come several calls, in whatever order: Solve, Status, those of the gateway.
"""

import asyncio

from wherry.api.buildkit.messages.control import SolveRequest
from wherry.api.buildkit.messages.gateway import GatewaySolveRequest, ReturnRequest
from wherry.api.buildkit.progress import Progress
from wherry.errors import Conflict, NotFound, Unavailable

_PATIENCE = 6.0  # seconds that a call waits for the Solve that it belongs to
_REMEMBERED = 30.0  # seconds that who asks late learns how a build went
_MOST = 1024


class NoSuchJob(NotFound):
    def __init__(self, ref: str) -> None:
        super().__init__(f"no such job {ref}")


class JobExists(Conflict):
    def __init__(self, ref: str) -> None:
        super().__init__(f"job ID {ref} exists")


class Job:
    """One build. Its client may have it made by the gateway, and `returned` then says what of."""

    def __init__(self, request: SolveRequest) -> None:
        self.request = request
        self.progress = Progress(request.ref)
        self.asked: dict[str, GatewaySolveRequest] = {}
        self.returned: asyncio.Future[ReturnRequest] = asyncio.get_running_loop().create_future()


class Jobs:
    """Those of one service. To be used in the event loop alone."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._changed = asyncio.Condition()

    async def begin(self, request: SolveRequest) -> Job:
        """A new job for a build."""
        if request.ref in self._jobs:
            raise JobExists(request.ref)
        if len(self._jobs) >= _MOST:
            raise Unavailable(f"more than {_MOST} builds at once")
        job = self._jobs[request.ref] = Job(request)
        async with self._changed:
            self._changed.notify_all()
        return job

    async def end(self, job: Job) -> None:
        await job.progress.end()
        job.returned.cancel()
        loop = asyncio.get_running_loop()
        loop.call_later(_REMEMBERED, self._jobs.pop, job.request.ref, None)

    async def find(self, ref: str) -> Job:
        """The job; its Solve may be on its way."""
        try:
            async with asyncio.timeout(_PATIENCE), self._changed:
                await self._changed.wait_for(lambda: ref in self._jobs)
                return self._jobs[ref]
        except TimeoutError:
            raise NoSuchJob(ref) from None
