"""The socket of a client: the kernel never waits, the caller does as long as it said."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from threading import Thread

import pytest

from engagement.gunicorn_connection import ClientSocket

LARGE = os.urandom(4_000_000)


@pytest.fixture
def ends() -> Iterator[tuple[ClientSocket, socket.socket]]:
    """Ours, and the client's."""
    ours, theirs = socket.socketpair()
    with ClientSocket.of(ours) as client, theirs:
        yield client, theirs


def is_blocking(client: ClientSocket) -> bool:
    return os.get_blocking(client.fileno())


def test_it_takes_the_place_of_the_other(ends: tuple[ClientSocket, socket.socket]) -> None:
    client, theirs = ends
    client.sendall(b"hello")
    assert theirs.recv(10) == b"hello"
    theirs.sendall(b"and you")
    assert client.recv(3) == b"and"
    assert client.recv(10) == b" you"


def test_nothing_is_waited_for_unless_it_is_asked_for(ends: tuple[ClientSocket, socket.socket]) -> None:
    client, _ = ends
    with pytest.raises(BlockingIOError):
        client.recv(1)
    client.setblocking(True)
    assert client.gettimeout() is None
    assert not is_blocking(client)
    client.setblocking(False)
    with pytest.raises(BlockingIOError):
        client.recv(1)


def test_what_the_kernel_does_not_take_at_once_is_waited_for(
    ends: tuple[ClientSocket, socket.socket],
) -> None:
    client, theirs = ends
    client.settimeout(30)
    got = bytearray()

    def read() -> None:
        while len(got) < len(LARGE):
            got.extend(theirs.recv(65_536))

    reader = Thread(target=read)
    reader.start()
    client.sendall(LARGE)
    reader.join(30)
    assert got == LARGE
    assert not is_blocking(client)


def test_who_takes_nothing_is_given_up(ends: tuple[ClientSocket, socket.socket]) -> None:
    client, _ = ends
    client.settimeout(0.05)
    with pytest.raises(TimeoutError):
        client.sendall(LARGE)
    with pytest.raises(TimeoutError):
        client.recv(1)
    assert not is_blocking(client)


def test_who_has_gone_is_told(ends: tuple[ClientSocket, socket.socket]) -> None:
    client, theirs = ends
    theirs.close()
    with pytest.raises(BrokenPipeError):
        client.sendall(b"hello")
    assert client.recv(1) == b""
