"""Who calls: the network of a request, and the reader of its bearer token."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import structlog
from flask import request

from engagement.errors import Banned, Unauthorized
from engagement.readers.bars import SHADOWED, Bars
from engagement.readers.network import Address, NetworkHash, client_address, network_hash
from engagement.readers.network_keys import NetworkKeys
from engagement.readers.signed_on import SignedOn
from engagement.readers.tokens import Tokens
from engagement.settings import Settings
from engagement.sso.signing_on import is_jwt

log = structlog.get_logger()


class Caller:
    """A reader of the site. `network`: the keyed hash of the network that the request came from.

    It is made when it is asked for: who only reads needs none. Then it raises `DatabaseUnavailable` in a
    process that has never seen a key. `shadowed`: nobody else sees what they write.
    """

    def __init__(self, reader_id: UUID, network: str | Callable[[], str], *, shadowed: bool = False) -> None:
        self.reader_id = reader_id
        self.shadowed = shadowed
        self._network = network

    @property
    def held_for(self) -> str | None:
        """Why what they write is shown to nobody else, whatever it says."""
        return SHADOWED if self.shadowed else None

    @property
    def network(self) -> str:
        """See above."""
        if not isinstance(self._network, str):
            self._network = self._network()
        return self._network


class Callers:
    """Finds out who calls, from the current request."""

    def __init__(
        self,
        settings: Settings,
        tokens: Tokens,
        bars: Bars,
        keys: NetworkKeys,
        signed_on: SignedOn | None = None,
    ) -> None:
        """`signed_on`: those who come by the publisher's single sign-on."""
        self._signed_on = signed_on
        self._settings = settings
        self._tokens = tokens
        self._bars = bars
        self._keys = keys
        self._warned = False

    def network(self) -> NetworkHash:
        """The keyed hash of the caller's network. Raises `DatabaseUnavailable`."""
        return network_hash(self._address(), self._keys.current(), self._settings.secret_key)

    def _address(self) -> Address | None:
        peer, forwarded = request.remote_addr, request.headers.get("X-Forwarded-For")
        address = client_address(peer, forwarded, self._settings.trusted_proxies)
        if forwarded and not self._warned and client_address(peer, None, ()) == address:
            self._warned = True
            log.warning(
                "X-Forwarded-For is not believed: if this is a proxy of yours, all its readers count as one "
                "network; name it in ENGAGEMENT_TRUSTED_PROXIES",
                # Any other address may be a reader's.
                peer=peer if address is None or address.is_private else "a public address",
            )
        return address

    def reader(self, site: str) -> Caller:
        """Raises `Unauthorized` without a good token of this site, and for a reader who was erased."""
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not text:
            raise Unauthorized("Send a reader token: Authorization: Bearer …")
        if self._signed_on is not None and is_jwt(text.strip()):
            return Caller(self._signed_on.reader(site, text.strip()), self.network)
        token = self._tokens.read(text.strip())
        if token.site != site:
            raise Unauthorized("The token is of another site.")
        self._bars.check(token.reader_id)
        return Caller(token.reader_id, self.network)

    def writer(self, site: str) -> Caller:
        """As `reader`, for what others may see. Raises `Banned` as well, `Unauthorized`."""
        caller = self.reader(site)
        self._bars.refuse_banned(caller.reader_id)
        self.refuse_network(site)
        caller.shadowed = self._bars.is_shadowed(caller.reader_id)
        return caller

    def refuse_network(self, site: str) -> None:
        """Raises `Banned` where nobody may write from the caller's network.

        A ban names the network under the key of its own day, which is kept for as long.
        """
        barred = self._bars.networks(site)
        if not barred:
            return
        address = self._address()
        for number in {int(network.partition(":")[0]) for network in barred}:
            key = self._keys.numbered(number)
            bar = barred.get(network_hash(address, key, self._settings.secret_key)) if key else None
            if bar is not None:
                raise Banned(bar.reason or "other", bar.until)
