"""Clients that send a byte now and then, nothing, nonsense or too much, against real processes."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import BinaryIO

import psutil
import pytest
import requests

from tests.servers import Served
from tests.waiting import until

HEAD = b"GET /hea"
COUNTED = b"POST /v1/demo/readers HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n"
CHUNKED = b"POST /v1/demo/readers HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
CHUNKED += b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
THREADS = 2
CONNECTIONS = 30


class Hastened:
    """A gunicorn with `Hasty` workers of two threads each over `application`."""

    def __init__(self, log: Path, workers: int = 1) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener, log.open("w") as errors:
            self.address = listener.getsockname()
            options = {
                "bind": f"fd://{listener.fileno()}",
                "threads": THREADS,
                "workers": workers,
                "worker-connections": CONNECTIONS,
                "worker-class": "tests.hasty.Hasty",
            }
            argv = [sys.executable, "-m", "gunicorn", "--no-control-socket", "tests.hasty:application"]
            argv += [f"--{name}={value}" for name, value in options.items()]
            argv += ["--preload"]  # so that all workers are ready when the first is
            self.process = subprocess.Popen(argv, pass_fds=[listener.fileno()], stderr=errors)
        try:
            until(lambda: len(self.workers()) == workers)
            assert get(self.address) == "0"
        except BaseException:
            self.stop()
            raise

    def workers(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


class Drippers:
    """Connections that have said `beginnings` and go on, a byte every fifth of a second."""

    def __init__(self, address: tuple[str, int], *beginnings: bytes) -> None:
        self.sockets = [socket.create_connection(address, 20) for _ in beginnings]
        for sock, beginning in zip(self.sockets, beginnings, strict=True):
            sock.sendall(beginning)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._drip)
        self._thread.start()

    def _drip(self) -> None:
        while not self._ended.wait(0.2):
            for sock in self.sockets:
                with contextlib.suppress(OSError):
                    sock.send(b"5")

    def __enter__(self) -> Drippers:
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        for sock in self.sockets:
            sock.close()


def get(address: tuple[str, int], path: str = "/") -> str:
    return requests.get(f"http://{address[0]}:{address[1]}{path}", timeout=10).text


def silent(address: tuple[str, int], number: int) -> contextlib.ExitStack:
    stack = contextlib.ExitStack()
    for _ in range(number):
        stack.enter_context(socket.create_connection(address, 20))
    return stack


def all_of(sock: socket.socket) -> bytes:
    """What comes until the other side ends."""
    read = b""
    with contextlib.suppress(ConnectionError):
        while piece := sock.recv(65_536):
            read += piece
    return read


def exchange(address: tuple[str, int], *pieces: bytes) -> bytes:
    with socket.create_connection(address, 20) as sock:
        with contextlib.suppress(ConnectionError):
            for piece in pieces:
                sock.sendall(piece)
        return all_of(sock)


@pytest.fixture(scope="module")
def hastened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    server = Hastened(tmp_path_factory.mktemp("hastened") / "log")
    yield server.address
    assert server.stop() == 0


@pytest.fixture
def address(service: Served) -> tuple[str, int]:
    host, port = service.url.removeprefix("http://").split(":")
    return host, int(port)


@pytest.mark.parametrize("beginning", [HEAD, COUNTED, CHUNKED], ids=["head", "body", "chunks"])
def test_drippers_hold_no_thread_and_are_told_that_their_time_is_over(
    hastened: tuple[str, int], beginning: bytes
) -> None:
    with Drippers(hastened, *[beginning] * THREADS * 4) as drippers:
        begun = time.monotonic()
        assert get(hastened) == "0"
        assert time.monotonic() - begun < 0.9
        for sock in drippers.sockets:
            head, _, body = all_of(sock).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 408 ")
            assert f"Content-Length: {len(body)}".encode() in head
            assert json.loads(body)["type"] == "urn:engagement:problem:request-timeout"


def test_silent_connections_hold_no_thread_and_are_closed(hastened: tuple[str, int]) -> None:
    with silent(hastened, CONNECTIONS - 5), socket.create_connection(hastened, 20) as sock:
        begun = time.monotonic()
        assert get(hastened) == "0"
        assert time.monotonic() - begun < 0.9
        assert all_of(sock) == b""


def test_those_who_have_waited_longest_give_way_when_there_are_too_many(hastened: tuple[str, int]) -> None:
    with socket.create_connection(hastened, 20) as first, silent(hastened, CONNECTIONS * 3):
        begun = time.monotonic()
        assert get(hastened) == "0"
        assert all_of(first) == b""
        assert time.monotonic() - begun < 0.9


def test_pipelined_requests_are_answered_in_their_order(hastened: tuple[str, int]) -> None:
    requests_ = [
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    ]
    sent = b"".join(requests_)
    for pieces in ([sent], [sent[:100], sent[100:]], [bytes([byte]) for byte in sent]):
        answer = exchange(hastened, *pieces)
        assert answer.count(b"HTTP/1.1 200 OK") == 3
        bodies = [part.split(b"\r\n")[1] for part in answer.split(b"\r\n\r\n") if part.startswith(b"1\r\n")]
        assert bodies == [b"3", b"4", b"0"]


def test_whatever_comes_while_an_answer_is_made_is_answered_too(hastened: tuple[str, int]) -> None:
    """Who answers and who listens meet at any moment: no request may fall between them."""

    def talk(seed: int) -> None:
        random = Random(seed)
        with socket.create_connection(hastened, 20) as sock, sock.makefile("rb") as answers:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            asked = 0
            while asked < 300:
                bodies = [b"x" * random.randrange(1, 9) for _ in range(random.choice((1, 1, 1, 2, 5)))]
                for body in bodies:
                    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
                    cut = random.randrange(len(head))
                    for piece in random.choice(((head + body,), (head[:cut], head[cut:] + body))):
                        sock.sendall(piece)
                    time.sleep(random.choice((0, 0, 0.0002, 0.001)))
                asked += len(bodies)
                for body in bodies:
                    assert answered(answers) == str(len(body)).encode()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(talk, range(8)))


def answered(answers: BinaryIO) -> bytes:
    """The body of the next answer, which comes in one chunk."""
    lines = [answers.readline() for _ in range(7)]
    while lines[-1] != b"0\r\n":
        lines.append(answers.readline())
    answers.readline()
    return lines[-2].rstrip()


def test_a_client_that_waits_for_100_is_told_to_go_on_once(hastened: tuple[str, int]) -> None:
    with socket.create_connection(hastened, 20) as sock:
        sock.sendall(
            b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n"
        )
        assert sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"hello")
        assert all_of(sock).startswith(b"HTTP/1.1 200 OK")


def test_a_body_larger_than_is_waited_for_comes_through(hastened: tuple[str, int]) -> None:
    url = f"http://{hastened[0]}:{hastened[1]}/"
    assert requests.post(url, data=b"x" * 5_000_000, timeout=10).text == "5000000"
    assert requests.post(url, data=iter([b"x" * 500_000] * 10), timeout=10).text == "5000000"


def test_the_rest_of_a_large_body_has_its_time_too(hastened: tuple[str, int]) -> None:
    begun = time.monotonic()
    large = COUNTED.replace(b"60000", b"600000")
    with Drippers(hastened, *[large] * THREADS) as drippers:
        assert get(hastened) == "0"
        assert [all_of(sock) for sock in drippers.sockets] == [b""] * THREADS
    assert time.monotonic() - begun < 8


def test_an_answer_may_take_its_time(hastened: tuple[str, int]) -> None:
    assert get(hastened, "/slow") == "begun ended"


def test_those_who_take_no_answer_give_their_thread_back(hastened: tuple[str, int]) -> None:
    with silent(hastened, 0) as stack:
        for _ in range(THREADS):
            sock = stack.enter_context(socket.create_connection(hastened, 20))
            sock.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        assert get(hastened) == "0"


def test_no_worker_gets_nearly_all_connections(tmp_path: Path) -> None:
    server = Hastened(tmp_path / "log", workers=2)
    shares = []
    for _ in range(5):
        with silent(server.address, 20):
            until(lambda: sum(connections(server)) == 20)
            shares.append(min(connections(server)))
        until(lambda: sum(connections(server)) == 0)
    assert statistics.median(shares) >= 6
    assert server.stop() == 0


def connections(server: Hastened) -> list[int]:
    """How many each worker has taken."""
    return [
        sum(each.status == psutil.CONN_ESTABLISHED for each in worker.net_connections())
        for worker in server.workers()
    ]


def test_a_stop_lets_requests_end_and_does_not_wait_for_the_silent(tmp_path: Path) -> None:
    server = Hastened(tmp_path / "log")
    with silent(server.address, 5), socket.create_connection(server.address, 20) as sock:
        sock.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        read = b""
        while b"begun" not in read:
            read += sock.recv(100)
        assert server.stop() == 0
        assert b"ended" in read + all_of(sock)


def test_who_connected_before_a_stop_is_answered_and_who_comes_later_is_refused(tmp_path: Path) -> None:
    server = Hastened(tmp_path / "log")
    (worker,) = server.workers()
    worker.suspend()
    waiting = [socket.create_connection(server.address, 20) for _ in range(5)]
    for sock, path in zip(waiting, [b"/slow", b"/", b"/", b"/", b"/"], strict=True):
        sock.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    server.process.send_signal(signal.SIGTERM)
    until(lambda: is_told_to_end(worker))
    worker.resume()
    read = b""
    while b"begun" not in read:
        read += waiting[0].recv(1_000)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(server.address, 20)
    assert [all_of(sock).endswith(b"0\r\n0\r\n\r\n") for sock in waiting[1:]] == [True] * 4
    assert b"ended" in read + all_of(waiting[0])
    for sock in waiting:
        sock.close()
    assert server.process.wait(20) == 0


def is_told_to_end(process: psutil.Process) -> bool:
    """Has it been sent SIGTERM, which it hasn't seen yet?"""
    status = Path(f"/proc/{process.pid}/status").read_text()
    (pending,) = (line.split()[1] for line in status.splitlines() if line.startswith("ShdPnd"))
    return bool(int(pending, 16) >> (signal.SIGTERM - 1) & 1)


def test_the_service_answers_others_under_forty_drippers_and_four_hundred_silent(
    service: Served, address: tuple[str, int]
) -> None:
    with silent(address, 400), Drippers(address, *[HEAD, COUNTED] * 20):
        for _ in range(20):
            assert requests.get(f"{service.url}/healthz", timeout=2).status_code == 200


@pytest.mark.parametrize("line", [b"zz\r\n", b"-1\r\n", b"5;" + b"x" * 100_000, b"2\r\n{}x\r\n"])
def test_broken_chunks_are_a_problem_of_the_client(
    service: Served, address: tuple[str, int], line: bytes
) -> None:
    before = service.log.read_text()
    head, _, body = exchange(address, CHUNKED + line).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"Content-Type: application/problem+json" in head
    assert json.loads(body)["type"] == "urn:engagement:problem:bad-request"
    new = service.log.read_text().removeprefix(before)
    assert [each for each in new.splitlines() if "worker is up" not in each] == []  # it may start last


def test_a_chunked_body_over_the_limit_is_refused_not_cut(service: Served, address: tuple[str, int]) -> None:
    body = b'{"name": "Ann"}' + b" " * 70_000 + b"JUNK"
    for pieces in (
        [b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"],
        [b"%x\r\n" % 10_000_000, b" " * 10_000_000],
    ):
        head, _, answer = exchange(address, CHUNKED, *pieces).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 413 ")
        assert json.loads(answer)["type"] == "urn:engagement:problem:too-large"
    just = b'{"name": "Ann"}'.ljust(65_536)
    url = f"{service.url}/v1/demo/readers"
    headers = {"Content-Type": "application/json"}
    assert requests.post(url, data=iter([just]), headers=headers, timeout=10).status_code == 201
    assert requests.post(url, data=iter([just, b" "]), headers=headers, timeout=10).status_code == 413
