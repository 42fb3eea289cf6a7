"""A load balancer of a few lines: connections go to the web groups in turn, bytes go through unread."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager

Address = tuple[str, int]


class Balancer:
    """Listens on a loopback port. A group that is `out` gets no new connections and keeps those it has."""

    def __init__(self, groups: list[Address]) -> None:
        self._groups = list(groups)
        self.out: set[Address] = set()
        self.address: Address = ("127.0.0.1", 0)

    @contextmanager
    def running(self) -> Iterator[Balancer]:
        loop = asyncio.new_event_loop()
        up = threading.Event()
        over = asyncio.Event()
        thread = threading.Thread(
            target=loop.run_until_complete, args=(self._serve(up, over),), name="balancer"
        )
        thread.start()
        up.wait()
        try:
            yield self
        finally:
            loop.call_soon_threadsafe(over.set)
            thread.join()
            loop.close()

    async def _serve(self, up: threading.Event, over: asyncio.Event) -> None:
        server = await asyncio.start_server(self._connect, "127.0.0.1", 0, backlog=512)
        self.address = server.sockets[0].getsockname()[:2]
        up.set()
        await over.wait()
        server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """To the next group in turn that takes it."""
        self._groups.append(self._groups.pop(0))
        for group in [group for group in self._groups if group not in self.out]:
            with contextlib.suppress(OSError, asyncio.CancelledError):
                behind = await asyncio.open_connection(*group)
                await asyncio.gather(_pump(reader, behind[1]), _pump(behind[0], writer))
                return
        writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """To the end, which is passed on."""
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()
        await writer.wait_closed()
