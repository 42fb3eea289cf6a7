"""`engagement serve`, whole: it starts, mends itself, keeps what it was told, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import requests

from engagement.embedded.folder import FolderLock, paths_for
from engagement.embedded.service import settings_for_data, stores
from tests.waiting import until

SAYS = re.compile(
    r"Engagement is at (http://127\.0\.0\.1:\d+/) \(data in (.+); Ctrl-C stops it\)\n"
    r"Moderators: \1moderate \(engagement admin-link --data \2\)\n"
)
"""All that it prints, from its start to its end."""
START_WITHIN = 30.0
"""Seconds; far above what it takes, for a busy machine."""


class Served:
    """A running `serve`, its address and what it said."""

    def __init__(self, data: Path, said: Path, *options: str, **environment: str) -> None:
        self.data = data
        self._out, self._err = said / "out", said / "err"
        clean = {name: value for name, value in os.environ.items() if not name.startswith("ENGAGEMENT_")}
        with self._out.open("w") as out, self._err.open("w") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "engagement", "serve", "--port", "0", "--data", str(data), *options],
                env={**clean, **environment},
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    @property
    def out(self) -> str:
        return self._out.read_text()

    @property
    def err(self) -> str:
        return self._err.read_text()

    def wait_ready(self) -> Served:
        until(lambda: self.out.count("\n") == 2 or self.process.poll() is not None, START_WITHIN)
        assert SAYS.fullmatch(self.out), self.err
        return self

    def url(self, path: str) -> str:
        found = SAYS.fullmatch(self.out)
        assert found
        return found[1] + path

    def family(self) -> list[psutil.Process]:
        """Every process that it started, and theirs."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def child(self, what: str) -> psutil.Process | None:
        """Its own child `web`, `worker` or `redis`; None while there is none."""
        for child in psutil.Process(self.process.pid).children():
            with contextlib.suppress(psutil.NoSuchProcess):
                words = child.cmdline()
                if what in words[3:4] or (what == "redis" and "redis.sock" in " ".join(words)):
                    return child
        return None

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=60)

    def react(self, mood: str, article: str = "a1", token: str | None = None) -> str:
        """Choose a mood, as a new reader unless a token is given: the token."""
        if token is None:
            made = requests.post(self.url("v1/demo/readers"), json={}, timeout=10)
            assert made.status_code == 201, made.text
            token = str(made.json()["token"])
        done = requests.put(
            self.url(f"v1/demo/articles/{article}/reaction"),
            json={"mood": mood},
            headers={"Authorization": f"Bearer {token}"},
            timeout=10,
        )
        assert done.status_code == 200, done.text
        return token

    def tally(self, article: str = "a1") -> dict[str, int]:
        got = requests.get(self.url(f"v1/demo/articles/{article}/reactions"), timeout=10)
        assert got.status_code == 200, got.text
        return {mood["key"]: mood["count"] for mood in got.json()["moods"] if mood["count"]}

    def is_ready(self) -> bool:
        try:
            return requests.get(self.url("readyz"), timeout=5).status_code == 200
        except requests.RequestException:
            return False


Serve = Callable[..., Served]


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Serve]:
    """Starts as many as one likes, by default on `folder / "data"`, and leaves none running."""
    runs: list[Served] = []

    def begin(data: Path | None = None, *options: str, **environment: str) -> Served:
        said = folder / f"said{len(runs)}"
        said.mkdir()
        runs.append(Served(data or folder / "data", said, *options, **environment))
        return runs[-1]

    try:
        yield begin
    finally:
        for run in runs:
            family = run.family() if run.process.poll() is None else []
            run.process.kill()
            run.process.wait()
            for process in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(family, timeout=10)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    with serving(tmp_path) as begin:
        yield begin


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One for all the tests that leave it as it was."""
    with serving(tmp_path_factory.mktemp("running")) as begin:
        yield begin().wait_ready()


def stored_choices(data: Path) -> int:
    """How many choices SQL has."""
    with sqlite3.connect(data / "engagement.db") as connection:
        (count,) = connection.execute("SELECT count(*) FROM choices").fetchone()
    connection.close()
    return int(count)


def all_ended(family: list[psutil.Process]) -> bool:
    return not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in family)


def test_it_says_where_it_is_and_nothing_else_and_the_demo_site_answers(running: Served) -> None:
    assert requests.get(running.url(""), timeout=10).status_code == 200
    found = SAYS.fullmatch(running.out)
    assert found
    assert found[2] == str(running.data)
    assert running.tally() == {}
    assert stat.S_IMODE(running.data.stat().st_mode) == 0o700


def test_the_secret_is_on_no_command_line_and_in_no_environment(running: Served) -> None:
    secret = (running.data / "secret.key").read_text()
    for process in running.family():
        assert secret not in " ".join(process.cmdline())
        assert secret not in process.environ().values()


def test_a_web_worker_that_is_killed_comes_back(running: Served) -> None:
    web = running.child("web")
    assert web
    until(lambda: len(web.children()) == 2)
    victim = web.children()[0]
    victim.kill()
    until(lambda: len(web.children()) == 2 and victim not in web.children())
    assert running.is_ready()


def fails(run: Served) -> str:
    """Its one line on standard error, for a start that must fail."""
    assert run.process.wait(timeout=START_WITHIN) == 1
    assert run.out == ""
    (line,) = run.err.splitlines()
    return line


def test_a_second_start_on_the_same_folder_names_the_first(running: Served, serve: Serve) -> None:
    line = fails(serve(running.data))
    assert line.endswith(f"engagement already runs on {running.data} (pid {running.process.pid})")
    assert running.is_ready()


def test_another_command_sees_the_stores_of_a_running_one_and_leaves_them_up(running: Served) -> None:
    with stores(running.data) as during:
        assert during == settings_for_data(running.data)
    assert running.is_ready()


def test_a_signal_brings_the_ledger_into_sql_and_after_that_or_a_sigkill_nothing_accepted_is_lost(
    serve: Serve,
) -> None:
    """Three runs on one folder: the first ends by SIGTERM, the second by SIGKILL, the third by SIGINT."""
    # A worker that looks for events so rarely leaves all of them to the drain.
    rarely = {"ENGAGEMENT_FLUSH_INTERVAL": "10"}
    first = serve(**rarely).wait_ready()
    token = first.react("happy")
    for _ in range(4):
        first.react("angry")
    ends_well(first, signal.SIGTERM, choices=5)
    second = serve(**rarely).wait_ready()
    assert second.tally() == {"happy": 1, "angry": 4}
    second.react("sad", token=token)
    assert second.tally() == {"sad": 1, "angry": 4}, "the reader is known by the same token"
    second.react("amused")
    family = second.family()
    second.process.kill()
    second.process.wait()
    third = serve(**rarely).wait_ready()
    assert third.tally() == {"sad": 1, "amused": 1, "angry": 4}
    until(lambda: all_ended(family))
    third.react("happy")
    ends_well(third, signal.SIGINT, choices=7)


def ends_well(run: Served, number: int, choices: int) -> None:
    """Stopped by this signal it leaves so many choices in SQL, and nothing running."""
    family = run.family()
    assert run.stop(number) == 0
    assert SAYS.fullmatch(run.out)
    assert all_ended(family)
    assert stored_choices(run.data) == choices
    assert not list(run.data.rglob("*.sock"))


def test_a_folder_that_can_not_be_made_is_one_line(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "can't be used: Not a directory" in fails(serve(tmp_path / "file" / "data"))


def test_a_broken_setting_is_one_line(serve: Serve) -> None:
    assert "ENGAGEMENT_WEB_THREADS" in fails(serve(ENGAGEMENT_WEB_THREADS="none"))


def test_a_database_that_is_none_is_one_line_and_stops_everything(serve: Serve, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "engagement.db").write_text("not a database, but long enough to be looked at as one" * 100)
    run = serve()
    assert run.process.wait(timeout=START_WITHIN) == 1
    assert "the database can't be prepared" in run.err.splitlines()[-1]
    assert not list(data.rglob("*.sock"))


def kill(run: Served, what: str) -> None:
    """Kill a part and wait until it is there again and the service is ready."""
    victim = run.child(what)
    assert victim
    victim.kill()
    until(lambda: f'"pid": {victim.pid}, "signal": "SIGKILL"' in run.err)
    until(lambda: run.child(what) is not None and run.is_ready())


def test_each_part_that_is_killed_comes_back_and_nothing_accepted_is_lost_even_in_a_long_folder(
    serve: Serve, tmp_path: Path
) -> None:
    """Redis' socket can't be in such a folder, and comes back where it was."""
    run = serve(tmp_path / ("deep" * 20) / ("er folder " * 5)).wait_ready()
    socket_path = Path(settings_for_data(run.data).redis_url.removeprefix("unix://"))
    assert socket_path.is_socket()
    token = run.react("happy")
    for what, mood in (("web", "sad"), ("redis", "angry"), ("worker", "amused")):
        before = run.tally()
        kill(run, what)
        assert run.tally() == before
        run.react(mood, token=token)
        assert run.tally() == {mood: 1}
    # The worker has hardly begun to come up again: it drains all the same.
    family = run.family()
    assert run.stop() == 0
    assert all_ended(family)
    assert stored_choices(run.data) == 1
    assert not socket_path.parent.exists(), "nothing is left outside of the folder"


def test_a_taken_port_is_one_line_and_leaves_the_folder_free(serve: Serve, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"port {port} on 127.0.0.1 is taken" in fails(serve(None, "--port", str(port)))
    FolderLock(paths_for(tmp_path / "data")).release()
