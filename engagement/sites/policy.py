"""Who may bring an article into being. Pure."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Literal, get_args

Admission = Literal["open", "known", "signed"]
ADMISSIONS: tuple[str, ...] = get_args(Admission)
"""`open`: anybody, limited per network; `known`: the publisher; `signed`: pages with the site's signature."""


def signing_key(secret_key: str, site: str) -> str:
    """The key with which a publisher signs the ids of a `signed` site's articles: 64 hex characters."""
    return hmac.new(secret_key.encode(), f"article-signature:{site}".encode(), sha256).hexdigest()


def sign_article(key: str, article: str) -> str:
    """base64url, unpadded, of HMAC-SHA256 of the article's (canonical) id with the site's signing key."""
    digest = hmac.new(key.encode(), article.encode(), sha256).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def may_create(admission: str, key: str, article: str, signature: str | None) -> bool:
    """May a reader's first reaction or comment make this article?"""
    if admission == "open":
        return True
    if admission == "signed" and signature:
        return hmac.compare_digest(sign_article(key, article).encode(), signature.encode())
    return False
