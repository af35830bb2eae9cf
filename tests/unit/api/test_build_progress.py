"""Progress of builds told to who follows it: only their own clients hold them up."""

import asyncio

from wherry.api.buildkit.messages.progress import StatusResponse
from wherry.api.buildkit.progress import Progress
from wherry.build.progress import Event, Kind


def test_who_begins_late_hears_all_and_a_slow_onlooker_is_let_go() -> None:
    async def first(progress: Progress) -> list[StatusResponse]:
        return [message async for message in progress.follow()]

    async def run() -> None:
        progress = Progress("ref")
        await progress.add([Event(Kind.STARTED, "a", "a")])
        reading = asyncio.create_task(first(progress))
        await asyncio.sleep(0)
        onlooker = progress.follow()
        waiting = asyncio.ensure_future(anext(onlooker))
        await asyncio.sleep(0)
        count = 3000
        for number in range(count):
            await progress.add([Event(Kind.OUTPUT, "a", data=b"%d" % number)])
        await progress.end()

        heard = await reading
        assert [each.name for each in heard[0].vertexes] == ["a"]
        assert [each.logs[0].message for each in heard[1:]] == [b"%d" % n for n in range(count)]
        assert (await waiting).logs[0].message == b"0"
        assert len([message async for message in onlooker]) < count

    asyncio.run(run())


def test_what_nobody_follows_yet_has_bounds() -> None:
    async def run() -> int:
        progress = Progress("ref")
        for _ in range(40):
            await progress.add([Event(Kind.OUTPUT, "a", data=bytes(1 << 20))])
        await progress.end()
        return sum([len(m.logs[0].message) async for m in progress.follow() if m.logs])

    assert asyncio.run(run()) <= 1 << 24
