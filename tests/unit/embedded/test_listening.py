"""The listening socket and the look whether somebody answers on it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from unittest.mock import create_autospec

import pytest

from engagement.embedded.listening import ReadyProbe, listen, public_address
from engagement.errors import StartError
from tests.waiting import until


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with listen("127.0.0.1", 0) as listener:
        listener.settimeout(10)
        yield listener


def port_of(listener: socket.socket) -> int:
    port = listener.getsockname()[1]
    assert isinstance(port, int)
    return port


def answer(listener: socket.socket, what: bytes) -> None:
    """Take the next request and answer so."""
    connection, _ = listener.accept()
    with connection:
        assert connection.recv(1024).startswith(b"GET /readyz HTTP/1.1\r\n")
        connection.sendall(what)


def test_a_taken_port_is_one_line(listener: socket.socket) -> None:
    port = port_of(listener)
    with pytest.raises(StartError, match=f"^port {port} on 127.0.0.1 is taken: choose another with --port$"):
        listen("127.0.0.1", port)


def test_a_port_that_is_about_to_be_free_is_waited_for() -> None:
    with listen("127.0.0.1", 0) as before:
        port = port_of(before)
        free_it = threading.Timer(0.1, before.close)
        free_it.start()
        with listen("127.0.0.1", port, patience=10) as after:
            assert port_of(after) == port
        free_it.join()


def test_an_address_of_another_machine_is_one_line() -> None:
    with pytest.raises(StartError, match=r"^can't listen on 192\.0\.2\.1 port 0: Cannot assign"):
        listen("192.0.2.1", 0)


def test_a_name_that_is_no_address_is_one_line() -> None:
    with pytest.raises(StartError, match=r"^no\.such\.invalid is not an address to listen on"):
        listen("no.such.invalid", 0)


def test_the_address_to_open_is_one_that_a_browser_here_can_reach(listener: socket.socket) -> None:
    assert public_address(listener) == f"http://127.0.0.1:{port_of(listener)}/"
    with listen("0.0.0.0", 0) as everywhere:
        assert public_address(everywhere) == f"http://127.0.0.1:{port_of(everywhere)}/"


def test_an_ip_v6_address_is_written_in_brackets() -> None:
    everywhere = create_autospec(socket.socket, instance=True)
    everywhere.getsockname.return_value = ("::", 8000, 0, 0)
    assert public_address(everywhere) == "http://[::1]:8000/"


def test_it_is_ready_when_readyz_answers_200(listener: socket.socket) -> None:
    probe = ReadyProbe(listener)
    assert not probe(), "it asks"
    assert not probe(), "nobody has answered"
    answer(listener, b"HTTP/1.1 200 OK\r\n\r\n")
    until(probe)


@pytest.mark.parametrize("first", [b"HTTP/1.1 503 Service Unavailable\r\n\r\n", b""])
def test_it_asks_again_after_any_other_answer(listener: socket.socket, first: bytes) -> None:
    probe = ReadyProbe(listener)
    assert not probe()
    answer(listener, first)
    served = threading.Thread(target=answer, args=(listener, b"HTTP/1.1 200 OK\r\n\r\n"))
    served.start()
    until(probe)
    served.join()


def test_nobody_there_is_not_ready() -> None:
    with listen("127.0.0.1", 0) as listener:
        probe = ReadyProbe(listener)
    assert not probe()
