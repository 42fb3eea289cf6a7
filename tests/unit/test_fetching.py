"""Fetching for a publisher: from where, how long, how much, and never from within."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from engagement.fetching import MAX_BYTES, Fetcher, FetchError
from engagement.settings import Settings
from tests.servers.web import NAME, Asked, Told, WebServer

Start = Callable[..., WebServer]


@pytest.fixture
def start() -> Iterator[Start]:
    servers: list[WebServer] = []

    def start(answer: Callable[[Asked], Told] = lambda _: Told(b"here"), *, tls: bool = False) -> WebServer:
        servers.append(WebServer(answer, tls=tls))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Names of a DNS of the test's own: each with addresses, of which one is taken off at each look-up."""
    known: dict[str, list[str]] = {}
    real = socket.getaddrinfo

    def look_up(host: Any, port: Any, *args: Any, **more: Any) -> Any:
        found = known.get(host)
        if found is None:
            return real(host, port, *args, **more)
        if not found:
            raise socket.gaierror
        return real(found.pop(0), port, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return known


def fetcher(*inside: str, **given: Any) -> Fetcher:
    settings = Settings(database_url="", redis_url="", secret_key="", fetch_inside=inside)
    return Fetcher(settings, **given)


def refused(url: str, *inside: str, **given: Any) -> str:
    with pytest.raises(FetchError) as error:
        fetcher(*inside, **given).get(url)
    return str(error.value)


def test_what_is_sent_and_what_comes_back_are_whole(start: Start) -> None:
    server = start(lambda asked: Told(asked.body[::-1], 201, {"X-Said": "yes"}))
    sent = b"x" * 200_000 + b"end"
    answer = fetcher("127.0.0.1").post(f"{server.url}/a/b?c=d%20e", body=sent, headers={"X-Mine": "1"})
    assert (answer.status, answer.headers["x-said"], answer.body) == (201, "yes", sent[::-1])
    (asked,) = server.asked
    assert (asked.method, asked.path, asked.headers["x-mine"]) == ("POST", "/a/b?c=d%20e", "1")
    assert asked.headers["host"] == f"127.0.0.1:{server.port}"


def test_over_tls_the_name_is_what_counts(start: Start, names: dict[str, list[str]]) -> None:
    server = start(tls=True)
    names[NAME] = ["127.0.0.1"]
    assert fetcher(NAME, tls=server.trusting()).get(server.url).body == b"here"
    assert server.server_names == [NAME]
    assert server.asked[0].headers["host"] == f"{NAME}:{server.port}"


def test_a_certificate_of_another_name_or_of_nobody_known_is_refused(
    start: Start, names: dict[str, list[str]]
) -> None:
    server = start(tls=True)
    other = "other.example"
    names[other] = ["127.0.0.1"]
    names[NAME] = ["127.0.0.1"]
    url = f"https://{other}:{server.port}/"
    assert "certificate" in refused(url, other, tls=server.trusting())
    assert "certificate" in refused(server.url, NAME)
    assert server.asked == []


def test_the_connection_goes_to_the_address_that_was_checked(
    start: Start, names: dict[str, list[str]]
) -> None:
    server = start(tls=True)
    names[NAME] = ["127.0.0.1", "192.0.2.1"]  # a second look-up would lead elsewhere
    assert fetcher(NAME, tls=server.trusting()).get(server.url).status == 200
    assert names[NAME] == ["192.0.2.1"]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "10.0.0.7", "172.16.1.1", "192.168.0.1", "169.254.169.254", "100.64.0.1",
        "0.0.0.0", "224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.0.8", "198.18.0.1", "::1", "::",
        "fe80::1", "fc00::1", "fd12::1", "fec0::1", "ff02::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1",
        "2002:7f00:1::", "2002:a00:1::", "64:ff9b::a00:1", "64:ff9b:1::1", "2001:0:a00:1::", "::10.0.0.1",
    ],
)  # fmt: skip
def test_no_name_and_no_number_leads_into_a_private_network(
    address: str, names: dict[str, list[str]]
) -> None:
    names["named.example"] = [address]
    written = f"[{address}]" if ":" in address else address
    for host in ("named.example", written):
        assert "private network" in refused(f"https://{host}/")


@pytest.mark.parametrize("host", ["localhost", "localhost.", "LOCALHOST", "127.1", "2130706433", "0x7f.1"])
def test_no_way_of_writing_leads_to_this_machine(host: str) -> None:
    assert refused(f"https://{host}/") in (
        "The address leads into a private network.", "There is no such host.",
    )  # fmt: skip


def test_one_private_address_of_several_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 443)) for ip in ("93.184.215.14", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    assert "private network" in refused("https://two.example/")


@pytest.mark.parametrize(
    "url",
    [
        "http://news.example/", "ftp://news.example/", "file:///etc/passwd", "news.example", "", "https://",
        "https://user@news.example/", "https://user:word@news.example/", "https://news.example/#part",
        "https://news.example:99999/", "https://[::1/", "https://news.example/a b",
        "https://news.example/\r\nX: y",
        "https://news.example/\u00e9", "https://exa mple/", "gopher://127.0.0.1/",
    ],
)  # fmt: skip
def test_what_is_no_good_url_is_refused_before_anything_is_asked(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *given, **_: asked.append(given))
    with pytest.raises(FetchError):
        fetcher().check(url)
    refused(url)
    assert asked == []


def test_http_is_for_named_hosts_alone(start: Start) -> None:
    server = start()
    assert refused(server.url) == "It must begin with https://"
    assert refused(server.url, "127.0.0.2") == "It must begin with https://"
    assert fetcher("127.0.0.1").get(server.url).status == 200


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(start: Start, status: int) -> None:
    target = start()
    server = start(lambda _: Told(b"", status, {"Location": target.url}))
    assert "redirect" in refused(server.url, "127.0.0.1")
    assert target.asked == []


@pytest.mark.parametrize("declared", [True, False])
def test_a_huge_answer_is_not_read_to_its_end(start: Start, declared: bool) -> None:
    huge = 40 * MAX_BYTES
    sent = 0

    def pour(send: Callable[[bytes], None]) -> None:
        nonlocal sent
        send(b"HTTP/1.1 200 OK\r\n" + (b"Content-Length: %d\r\n" % huge if declared else b"") + b"\r\n")
        while sent < huge:
            send(b"x" * 65_536)
            sent += 65_536

    server = start(lambda _: Told(raw=pour))
    assert "larger" in refused(server.url, "127.0.0.1")
    assert sent < huge


def test_what_is_packed_is_not_unpacked(start: Start) -> None:
    server = start(lambda _: Told(b"not gzip at all", headers={"Content-Encoding": "gzip"}))
    assert fetcher("127.0.0.1").get(server.url).body == b"not gzip at all"
    assert server.asked[0].headers["accept-encoding"] == "identity"


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
OPEN = b"HTTP/1.1 200 OK\r\n\r\n"


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("beginning", [b"", b"HTTP/1.1 200 OK\r\nX: ", HEAD, OPEN])
def test_a_server_that_drips_is_left_after_a_bounded_time(
    start: Start, names: dict[str, list[str]], beginning: bytes, tls: bool
) -> None:
    def drip(send: Callable[[bytes], None]) -> None:
        send(beginning)
        while not server.stopping.wait(0.05):
            send(b"x")

    server = start(lambda _: Told(raw=drip), tls=tls)
    names[NAME] = ["127.0.0.1"]
    begun = time.monotonic()
    why = refused(server.url, "127.0.0.1", NAME, timeout=0.5, tls=server.trusting())
    assert why == "It took longer than 0.5 seconds."
    assert time.monotonic() - begun < 30  # bounded by us, not by the server


def test_a_server_that_says_nothing_is_left_after_a_bounded_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for scheme in ("http", "https"):
            url = f"{scheme}://127.0.0.1:{silent.getsockname()[1]}/"
            assert refused(url, "127.0.0.1", timeout=0.3).startswith(("It took longer", "It can't be"))


@pytest.mark.parametrize(
    "said", [b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", b""]
)
def test_what_is_no_whole_answer_is_none(start: Start, said: bytes) -> None:
    server = start(lambda _: Told(raw=lambda send: send(said)))
    assert "can't be reached" in refused(server.url, "127.0.0.1")


def test_an_error_is_an_answer(start: Start) -> None:
    server = start(lambda _: Told(b"broken", 500))
    assert fetcher("127.0.0.1").get(server.url).status == 500


def test_nobody_there_is_one_plain_line(names: dict[str, list[str]]) -> None:
    names["gone.example"] = []
    assert refused("https://gone.example/") == "There is no such host."
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert "can't be reached" in refused(f"http://127.0.0.1:{port}/", "127.0.0.1")


def test_a_resolver_that_hangs_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    freed = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: freed.wait(60))
    assert refused("https://news.example/", timeout=0.2) == "It took longer than 0.2 seconds."
    freed.set()


def test_the_next_address_is_tried_when_one_is_not_there(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start(tls=True)
    found = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, server.port)) for ip in ("127.0.0.9", "127.0.0.1")
    ]
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *a, **m: found if host == NAME else real(host, *a, **m)
    )
    assert fetcher(NAME, tls=server.trusting()).get(server.url).body == b"here"


real = socket.getaddrinfo
