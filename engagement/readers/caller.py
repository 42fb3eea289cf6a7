"""Who calls: the network of a request, and the reader of its bearer token."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import structlog
from flask import request

from engagement.errors import Unauthorized
from engagement.readers.bars import Bars
from engagement.readers.network import client_address, network_hash
from engagement.readers.tokens import Tokens
from engagement.settings import Settings

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Caller:
    """A reader of the site, and the keyed hash of the network the request came from."""

    reader_id: UUID
    network: str


class Callers:
    """Finds out who calls, from the current request."""

    def __init__(self, settings: Settings, tokens: Tokens, bars: Bars) -> None:
        self._settings = settings
        self._tokens = tokens
        self._bars = bars
        self._warned = False

    def network(self) -> str:
        """The keyed hash of the caller's network."""
        peer, forwarded = request.remote_addr, request.headers.get("X-Forwarded-For")
        address = client_address(peer, forwarded, self._settings.trusted_proxies)
        if forwarded and not self._warned and client_address(peer, None, ()) == address:
            self._warned = True
            log.warning(
                "X-Forwarded-For is not believed: if this is a proxy of yours, all its readers count as one "
                "network; name it in ENGAGEMENT_TRUSTED_PROXIES",
                peer=peer,
            )
        return network_hash(address, self._settings.secret_key)

    def reader(self, site: str) -> Caller:
        """Raises `Unauthorized` without a good token of this site, and for a reader who was erased."""
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not text:
            raise Unauthorized("Send a reader token: Authorization: Bearer …")
        token = self._tokens.read(text.strip())
        if token.site != site:
            raise Unauthorized("The token is of another site.")
        self._bars.check(token.reader_id)
        return Caller(token.reader_id, self.network())
