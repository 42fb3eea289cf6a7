"""Fetches what a publisher has named an address of: keys, scorers, webhooks. Nothing in our own network.

https alone; the connection goes to the very address that was checked, so that a name that leads elsewhere
a moment later leads nowhere; no redirects; the whole of it is bounded in time and size.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLong
from contextlib import closing, suppress
from dataclasses import dataclass
from http.client import HTTPException
from threading import Timer
from typing import Final
from urllib.parse import SplitResult, urlsplit

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from engagement import __version__
from engagement.errors import EngagementError
from engagement.settings import Settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
TIMEOUT: Final = 5.0
"""Seconds, for all of it: the name, the connection, the request and the whole answer."""
MAX_BYTES: Final = 1_048_576
"""Of an answer's body."""
PIECE: Final = 65_536
NOBODYS: Final = tuple(
    ipaddress.ip_network(network)
    # Translators, behind which are IPv4 addresses, private ones too; and what older Pythons take for public.
    for network in ("64:ff9b::/96", "64:ff9b:1::/48", "192.0.0.0/24")
)
DEFAULT_PORTS: Final = {"https": 443, "http": 80}


class FetchError(EngagementError):
    """Nothing was fetched. The message says why, in words for whoever named the address."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `headers` by their names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Fetcher:
    """Fetches. A process has one; its methods may be called in many threads at once."""

    def __init__(
        self, settings: Settings, *, timeout: float = TIMEOUT, tls: ssl.SSLContext | None = None
    ) -> None:
        """`timeout` in seconds. `tls`: whom it trusts; the system's authorities unless given."""
        self._inside = frozenset(host.lower() for host in settings.fetch_inside)
        self._timeout = timeout
        self._tls = tls
        self._names: ThreadPoolExecutor | None = None

    def check(self, url: str) -> None:
        """Could this be fetched at all? Asks no network. Raises `FetchError`."""
        self._parse(url)

    def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> Answer:
        """Raises `FetchError`; an answer of any status but a redirect is an answer."""
        return self._fetch("GET", url, None, headers or {})

    def post(self, url: str, *, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        """Raises `FetchError`; an answer of any status but a redirect is an answer."""
        return self._fetch("POST", url, body, headers or {})

    def _fetch(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        deadline = time.monotonic() + self._timeout
        place, host, port = self._parse(url)
        addresses = self._resolve(host, port, deadline)
        if host not in self._inside:
            for address in addresses:
                if not is_public(address):
                    raise FetchError("The address leads into a private network.")
        sent = {
            "Host": place.netloc,
            "User-Agent": f"Engagement/{__version__}",
            "Accept-Encoding": "identity",
            **headers,
        }
        target = (place.path or "/") + (f"?{place.query}" if place.query else "")
        try:
            with closing(self._connect(place.scheme, host, port, addresses, deadline)) as connection:
                return self._ask(connection, method, target, body, sent, deadline)
        except FetchError:
            raise
        except (HTTPError, HTTPException, OSError, ValueError) as error:
            if time.monotonic() >= deadline:
                why = self._too_long()
            elif isinstance(error, ssl.SSLError):
                why = "Its certificate is not trusted, or it speaks no TLS."
            else:
                why = "It can't be reached, or doesn't answer as a web server does."
            raise FetchError(why) from None

    def _ask(
        self,
        connection: HTTPConnection,
        method: str,
        target: str,
        body: bytes | None,
        headers: Mapping[str, str],
        deadline: float,
    ) -> Answer:
        # A server that sends a byte now and then keeps every read within its time: the whole has an end too.
        cutting = Timer(max(0.0, deadline - time.monotonic()), _cut, [connection.sock])
        cutting.daemon = True
        cutting.start()
        try:
            connection.request(method, target, body=body, headers=headers, preload_content=False)
            with closing(connection.getresponse()) as response:
                if 300 <= response.status < 400:
                    raise FetchError(f"It answered {response.status}: a redirect, and none is followed.")
                content = b""
                while piece := response.read(PIECE, decode_content=False):
                    content += piece
                    if len(content) > MAX_BYTES:
                        raise FetchError(f"Its answer is larger than {MAX_BYTES} bytes.")
        finally:
            cutting.cancel()
        if time.monotonic() >= deadline:  # what was cut off can look like an end
            raise FetchError(self._too_long())
        return Answer(
            response.status, {name.lower(): value for name, value in response.headers.items()}, content
        )

    def _parse(self, url: str) -> tuple[SplitResult, str, int]:
        """The URL in parts, its host (in ASCII) and its port."""
        try:
            place = urlsplit(url)
            host = (place.hostname or "").rstrip(".").encode("idna").decode().lower()
            port = place.port or DEFAULT_PORTS.get(place.scheme, 0)
            url.encode("ascii")
        except ValueError:  # UnicodeError is one
            raise FetchError("It is not a URL.") from None
        if any(character.isspace() or not character.isprintable() for character in url):
            raise FetchError("It is not a URL.")
        if not host or place.username is not None or place.fragment:
            raise FetchError("It must have a host, and neither a user nor a fragment.")
        if place.scheme != "https" and not (place.scheme == "http" and host in self._inside):
            raise FetchError("It must begin with https://")
        address = _literal(host)
        if address is not None and host not in self._inside and not is_public(address):
            raise FetchError("The address leads into a private network.")
        return place, host, port

    def _resolve(self, host: str, port: int, deadline: float) -> list[Address]:
        """All addresses of a name. A resolver that hangs is left behind."""
        if self._names is None:
            self._names = ThreadPoolExecutor(8, "names")
        asked = self._names.submit(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        try:
            found = asked.result(max(0.0, deadline - time.monotonic()))
        except TooLong:
            asked.cancel()
            raise FetchError(self._too_long()) from None
        except (OSError, UnicodeError):
            raise FetchError("There is no such host.") from None
        return [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]

    def _connect(
        self, scheme: str, host: str, port: int, addresses: list[Address], deadline: float
    ) -> HTTPConnection:
        """To the first of the addresses that takes it, and in TLS to whom the name says."""
        for last, address in enumerate(addresses, start=1 - len(addresses)):
            connection = HTTPConnection(str(address), port)
            if scheme == "https":
                connection = HTTPSConnection(
                    str(address), port, ssl_context=self._trust(), server_hostname=host
                )
            # It counts for the connection and once more for TLS.
            connection.timeout = max(0.01, (deadline - time.monotonic()) / 2)
            try:
                connection.connect()
            except (HTTPError, OSError) as error:
                connection.close()
                if last == 0 or isinstance(error, ssl.SSLError) or time.monotonic() >= deadline:
                    raise
            else:
                connection.sock.settimeout(max(0.01, deadline - time.monotonic()))
                return connection
        raise FetchError("There is no such host.")

    def _trust(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls

    def _too_long(self) -> str:
        return f"It took longer than {self._timeout:g} seconds."


def is_public(address: Address) -> bool:
    """Is it one of the whole internet, and of nobody's own network, in whatever way it is written?"""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is not None:
            return is_public(inner)
        if address.teredo is not None or address.is_site_local:
            return False
    if any(address in network for network in NOBODYS):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _cut(connected: socket.socket) -> None:
    """Ends every read and write on the connection, in whatever thread: without TLS's goodbye."""
    with suppress(OSError):
        socket.socket.shutdown(connected, socket.SHUT_RDWR)
