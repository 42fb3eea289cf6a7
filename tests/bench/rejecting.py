"""`python -m tests.bench.rejecting`: how long what is rejected is still seen, under load, on both stores.

Two web groups of two processes each, and a worker. Readers read and vote at one group (by wrk, as fast as it
answers) and post ten times a second. A comment that every answer shows is rejected at that group; the other
one is asked for each of these answers, again and again, from the moment on that the decision was answered.
Told of each: how long after the decision the last request was sent that still showed the comment (0: none
did), and when the first answer without it had come. Counts are asked for on an article that nobody posts to.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from random import Random

import requests

from engagement import clock
from engagement.db.engine import Database
from engagement.db.migrate import upgrade
from engagement.sites.publishing import add_site
from tests.bench.load import Call, Request, measure
from tests.chaos.fleet import Fleet
from tests.servers import PostgresServer, RedisServer
from tests.staffing import headers_of
from tests.waiting import until

BUSY, COUNTED = "/v1/demo/articles/busy", "/v1/demo/articles/counted"
SHOWING = {
    "footer": f"{BUSY}/footer?sort=newest",
    "list": f"{BUSY}/comments?sort=newest",
    "list, another order and length": f"{BUSY}/comments?sort=best&limit=50",
    "fragment": f"{BUSY}/footer.html",
    "feed of the article": f"{BUSY}/feed.atom",
    "feed of the site": "/v1/demo/feed.atom",
}
COUNTS = "/v1/demo/counts?article=counted"
READERS, STANDING = 40, 10
POSTING = 0.1
"""Seconds between two posts of the load, so few that feeds of the newest still have what is rejected."""
Times = tuple[float, float]
"""Seconds after the decision: the last request that still showed it, the first answer without it."""


def main() -> None:
    """Bring up, load, decide, print."""
    parser = argparse.ArgumentParser(prog="tests.bench.rejecting", description=__doc__)
    parser.add_argument("--decisions", type=int, default=20, help="of each kind, on each store")
    parser.add_argument("--connections", type=int, default=16, help="of the load")
    parser.add_argument("--stores", nargs="*", default=["postgresql", "sqlite"])
    options = parser.parse_args()
    for store in options.stores:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
            (folder / "redis").mkdir()
            redis = RedisServer(folder / "redis", "everysec")
            stack.callback(redis.stop)
            url = f"sqlite:///{folder / 'engagement.db'}"
            if store == "postgresql":
                server = PostgresServer(folder / "postgresql", durable=True)
                stack.callback(server.stop)
                url = server.url
            upgrade(url)
            database = Database(url, timeout=30.0)
            stack.callback(database.close)
            add_site(database, "demo", name="Demo", admission="open")
            staff = headers_of(database, role="moderator")
            fleet = Fleet(folder / "fleet", url, redis.url, workers=1, DATABASE_TIMEOUT="30")
            stack.callback(fleet.end)
            print(f"{store}:", flush=True)
            run(fleet, staff, folder, options.decisions, options.connections)


def run(fleet: Fleet, staff: dict[str, str], folder: Path, decisions: int, connections: int) -> None:
    """On a fleet that nobody uses yet; prints what it finds."""
    room = Room(fleet, staff)
    counted = [room.post(COUNTED) for _ in range(decisions)]
    standing = [room.post(BUSY) for _ in range(STANDING)]
    until(partial(room.counts_more, decisions - 1))
    found: dict[str, list[Times]] = defaultdict(list)
    over = threading.Event()
    with ThreadPoolExecutor(len(SHOWING) + 2) as pool:
        try:
            read = pool.submit(reading, fleet.webs[0].url, room.calls(standing), folder, connections, over)
            posted = pool.submit(posting, room, standing, over)
            for n, one in enumerate(counted, 1):
                id, word = room.post(BUSY)
                seen = {name: partial(room.shows, path, word) for name, path in SHOWING.items()}
                for shows in seen.values():
                    until(shows, within=30)
                after = room.reject(id)
                asked = {name: pool.submit(gone, shows, after) for name, shows in seen.items()}
                for name, times in asked.items():
                    found[name].append(times.result())
                after = room.reject(one[0])
                found["counts"].append(gone(partial(room.counts_more, decisions - n), after))
        finally:
            over.set()
        print(
            f"  meanwhile {read.result():.0f} reads and votes a second, {posted.result()} posts", flush=True
        )
    for name, all_times in found.items():
        print(f"  {name}, ms: {json.dumps(told(all_times))}", flush=True)
    until(fleet.is_flushed, within=120)
    for command in (("verify",), ("log", "verify")):
        print(f"  {' '.join(command)}: {fleet.run(*command).stdout.strip()}", flush=True)


class Room:
    """Readers, a moderator, and what all see."""

    def __init__(self, fleet: Fleet, staff: dict[str, str]) -> None:
        self._here, self._there = (web.url for web in fleet.webs)
        self._staff = staff
        self._random = Random(7)
        minted = [self._send("POST", "/v1/demo/readers", {}, {}) for _ in range(READERS)]
        self.readers = [{"Authorization": f"Bearer {one['token']}"} for one in minted]

    def post(self, to: str, parent: str | None = None) -> tuple[str, str]:
        """A comment of somebody: its id, and a word of it that no other one has."""
        word = clock.new_id().hex
        body = {"body": f"I say {word}.", "parent_id": parent}
        return self._send("POST", f"{to}/comments", self._random.choice(self.readers), body)["id"], word

    def reject(self, comment: str) -> float:
        """Answers when that was answered."""
        decision = {"action": "reject", "revision": 1, "reason": "abuse"}
        self._send("POST", f"/v1/demo/admin/comments/{comment}/decision", self._staff, decision)
        return time.perf_counter()

    def get(self, path: str) -> requests.Response:
        """As anybody sees it, at the group that didn't decide."""
        answer = requests.get(self._there + path, timeout=30)
        answer.raise_for_status()
        return answer

    def shows(self, path: str, word: str) -> bool:
        """Does the answer have this word?"""
        return word in self.get(path).text

    def counts_more(self, than: int) -> bool:
        """Are more comments counted on the article that nobody posts to?"""
        counts: dict[str, int] = self.get(COUNTS).json()["articles"]["counted"]
        return counts["comments"] > than

    def calls(self, standing: list[tuple[str, str]]) -> list[Request]:
        """Of readers: eight reads to a vote."""
        votes: list[Request] = [
            (
                "PUT",
                f"{BUSY}/comments/{id}/vote",
                reader,
                json.dumps({"value": self._random.choice([1, -1, 0])}),
            )
            for _ in range(3)
            for id, _ in standing
            for reader in self.readers
        ]
        reads: list[Request] = [("GET", path, {}, "") for path in (*SHOWING.values(), COUNTS)]
        return [call for vote in votes for call in (vote, *self._random.choices(reads, k=8))]

    def _send(self, method: str, path: str, who: dict[str, str], body: object) -> dict[str, str]:
        answer = requests.request(method, self._here + path, headers=who, json=body, timeout=30)
        assert answer.ok, answer.text
        sent: dict[str, str] = answer.json()
        return sent


def gone(shown: Callable[[], bool], after: float) -> Times:
    """Ask until it isn't shown any more. `after`: when the decision was answered."""
    last = 0.0
    while True:
        sent = time.perf_counter() - after
        if not shown():
            return last, time.perf_counter() - after
        last = sent


def reading(url: str, calls: list[Request], folder: Path, connections: int, over: threading.Event) -> float:
    """Until it is over; answers the median of calls a second."""
    rates = []
    while not over.is_set():
        rates.append(measure(url, Call("readers", calls), folder, 2, connections))
    return statistics.median(rates)


def posting(room: Room, standing: list[tuple[str, str]], over: threading.Event) -> int:
    """Replies, until it is over; answers how many."""
    many = 0
    while not over.wait(POSTING):
        room.post(BUSY, standing[many % STANDING][0])
        many += 1
    return many


def told(times: list[Times]) -> dict[str, float]:
    """Milliseconds."""
    last, first = ([1_000 * one[n] for one in times] for n in (0, 1))
    return {
        "still seen, median": round(statistics.median(last), 1), "still seen, longest": round(max(last), 1),
        "gone, median": round(statistics.median(first), 1), "gone, longest": round(max(first), 1),
    }  # fmt: skip


if __name__ == "__main__":
    main()
