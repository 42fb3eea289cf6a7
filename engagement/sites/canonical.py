"""How an article is named: one key for all the links to one page, and its form in a path.

`canonical_id` gives the key under which everything about an article is stored. A change to any rule
here gives an article a second name and orphans what was said under the first, so a rule changes only
together with a migration that renames. `encode_segment` and `decode_segment` carry an id through a URL path.
"""

import base64
import binascii
import re
import unicodedata
from collections.abc import Collection
from typing import Final
from urllib.parse import quote

import ada_url

MAX_ID_BYTES: Final = 1024

# Google Analytics, Matomo, HubSpot Ads, AT Internet, Webtrends, Adobe, BBC, MSN, New York Times.
_CAMPAIGNS: Final = (
    "utm_* mtm_* matomo_* hsa_* pk_campaign pk_kwd pk_keyword pk_source pk_medium pk_content pk_cid "
    "piwik_campaign piwik_kwd at_campaign at_medium at_format at_link_id at_link_origin at_link_type "
    "at_ptr_name at_bbc_team at_custom1 at_custom2 at_custom3 at_custom4 xtor wt_mc wt.mc_id wtmc s_cid "
    "ns_mchannel ns_source ns_campaign ns_linkname ns_fee cmpid icid ocid smid"
)
# Google, Microsoft, Meta, X, TikTok, LinkedIn, Pinterest, Reddit, Snap, Yandex, Impact, Adobe, Zanox.
_AD_CLICKS: Final = (
    "gclid gclsrc dclid gbraid wbraid gad_source gad_campaignid srsltid msclkid fbclid twclid ttclid "
    "li_fat_id epik rdt_cid sccid yclid ysclid _openstat irclickid rb_clickid s_kwcid wickedid zanpid"
)
# Facebook, Instagram, X, Yahoo.
_SHARES: Final = (
    "fb_action_ids fb_action_types fb_source fb_ref mibextid sfnsn igsh igshid ref_src ref_url "
    "__twitter_impression soc_src soc_trk guccounter guce_referrer guce_referrer_sig"
)
# Mailchimp, HubSpot, Marketo, Vero, Omeda, Drip, dotdigital, MailerLite.
_MAIL: Final = (
    "mc_cid mc_eid _hsenc _hsmi __hstc __hssc __hsfp hsctatracking mkt_tok vero_id vero_conv "
    "oly_anon_id oly_enc_id __s dm_i ml_subscriber ml_subscriber_hash"
)
# Google Analytics from domain to domain, and what an AMP viewer adds.
_VIEWERS: Final = "_ga _gl _gac amp_js_v amp_gsa usqp aoh __amp_source_origin"

# Names that say how a reader came to a page, never which page it is. One that ends in "*" is a prefix.
# Left out on purpose, because some publishers name articles with them: id, p, cid, ref, source, from, share.
TRACKING_PARAMETERS: Final[frozenset[str]] = frozenset(
    f"{_CAMPAIGNS} {_AD_CLICKS} {_SHARES} {_MAIL} {_VIEWERS}".split()
)

_HTTP_URL: Final = re.compile(r" *https?:[/\\]{2}", re.IGNORECASE)
_ROUTE: Final = re.compile(r"#[/!].")
_ESCAPE: Final = re.compile(r"%([0-9A-Fa-f]{2})?")
_PLAIN_SEGMENT: Final = re.compile(r"[A-Za-z0-9._:@-]{1,128}")
_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]+")
_MAX_BASE64_LENGTH: Final = -(-MAX_ID_BYTES * 4 // 3)

_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
# RFC 3986 §3.3 and §3.4, and "%", which by then only begins an escape.
_PATH_SAFE: Final = "/%!$&'()*+,;=:@"
_QUERY_SAFE: Final = "/?%!$'()*,;:@="

_DEVICE_LABELS: Final = frozenset({"www", "m", "mobile", "amp"})
_AMP_PAIRS: Final = frozenset({("amp", ""), ("amp", "1"), ("amp", "true"), ("outputtype", "amp")})


def canonical_id(text: str, tracking: Collection[str] = TRACKING_PARAMETERS) -> str:
    """Return the key of the article that a publisher's id or a link names.

    `text` is an id as typed, at most 1,024 bytes of UTF-8. `tracking` holds lower-case parameter names; one
    that ends in "*" is a prefix. An id that is not an http(s) URL is its own key, in NFC. A URL is read as a
    browser reads it (https://url.spec.whatwg.org/, by Ada), then:

    - scheme: https, since a page is the same over both; the default port of either scheme goes
    - user and password: dropped; a key is public
    - host: lower case and punycode (WHATWG); the root's trailing dot goes, and the labels `www`, `m`,
      `mobile` and `amp` in front, while two labels remain
    - percent-encoding (RFC 3986 §6.2.2): unreserved characters are decoded, hex is upper case, a lone "%" is
      "%25", whatever a URL may not hold bare is encoded; reserved characters stay as they were written
    - path: dot segments resolved (WHATWG), slashes at the end dropped except for the root
    - AMP: a last segment `amp` that is not the only one, `.amp.html`, `amp`, `amp=1`, `outputType=amp` go
    - query: tracking parameters and empty pieces go; a plus is a space; `a` is `a=`, as in a form; the pairs
      are sorted by key and value, and kept, blank or repeated
    - fragment: dropped, as a place in the page; kept if it begins with "/" or "!", as a page of its own

    So `canonical_id(canonical_id(x)) == canonical_id(x)`, which the tests hold it to.

    Raises ValueError, its message a predicate fit to follow a field's name, for an id that is empty or longer
    than 1,024 bytes (before or after), that has control characters or lone surrogates, or that is an http(s)
    URL which does not parse or has no proper host.
    """
    _check(text)
    key = _canonical_url(text, tracking) if _HTTP_URL.match(text) else unicodedata.normalize("NFC", text)
    _check(key)
    return key


def encode_segment(article_id: str) -> str:
    """Return an article's id as one path segment: plain if that is safe, else "~" and unpadded base64url.

    Safe are 1 to 128 of `A-Z a-z 0-9 . _ : @ -`, except "." and "..", which a path would resolve.
    Raises ValueError if the id is empty, has a lone surrogate or is longer than 1,024 bytes of UTF-8.
    """
    raw = _utf8(article_id)
    if _is_plain(article_id):
        return article_id
    return "~" + base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def decode_segment(segment: str) -> str:
    """Return the article's id in a path segment as `encode_segment` writes it; it is not made canonical.

    Raises ValueError if the segment is empty, too long, has characters outside its alphabet, is not the one
    base64url form of its bytes (RFC 4648 §3.5), or does not hold UTF-8.
    """
    if not segment.startswith("~"):
        if not _is_plain(segment):
            raise ValueError("is not a plain id of 1 to 128 characters, nor '~' and base64url")
        return segment
    encoded = segment[1:]
    if len(encoded) > _MAX_BASE64_LENGTH:
        raise ValueError(f"is longer than {MAX_ID_BYTES} bytes")
    if not _BASE64URL.fullmatch(encoded):
        raise ValueError("is not base64url without padding")
    try:
        raw = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    except binascii.Error:
        raise ValueError("is not base64url without padding") from None
    if base64.urlsafe_b64encode(raw).rstrip(b"=") != encoded.encode("ascii"):
        raise ValueError("is not the shortest base64url of its bytes")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("does not hold UTF-8") from None


def _is_plain(text: str) -> bool:
    return _PLAIN_SEGMENT.fullmatch(text) is not None and text not in {".", ".."}


def _utf8(text: str) -> bytes:
    """The UTF-8 of an id that has a fit length."""
    try:
        raw = text.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("has a lone surrogate") from None
    if not raw:
        raise ValueError("is empty")
    if len(raw) > MAX_ID_BYTES:
        raise ValueError(f"is longer than {MAX_ID_BYTES} bytes")
    return raw


def _check(text: str) -> None:
    _utf8(text)
    if not text.strip():
        raise ValueError("is empty")
    # Every printable character is fine, so the slow look at categories is for the rare rest.
    if not text.isprintable() and any(unicodedata.category(char) == "Cc" for char in text):
        raise ValueError("has control characters")


def _canonical_url(text: str, tracking: Collection[str]) -> str:
    try:
        url = ada_url.parse_url(text, attributes=("hostname", "port", "pathname", "search", "hash"))
    except ValueError:
        raise ValueError("is not a valid URL") from None
    # Ada dropped http's 80; 443 is the default of what is written here, whichever scheme was read.
    port = "" if url["port"] in {"", "443"} else f":{url['port']}"
    query = _canonical_query(url["search"][1:], tracking) if url["search"] else ""
    host, path = _canonical_host(url["hostname"]), _canonical_path(url["pathname"])
    route = quote(_normal_escapes(url["hash"][1:]), safe=_QUERY_SAFE) if _ROUTE.match(url["hash"]) else ""
    return f"https://{host}{port}{path}{query and '?' + query}{route and '#' + route}"


def _canonical_host(host: str) -> str:
    if host.startswith("["):
        return host  # IPv6
    labels = host.removesuffix(".").split(".")
    if not all(labels):
        raise ValueError("has no proper host")
    while len(labels) > 2 and labels[0] in _DEVICE_LABELS:
        del labels[0]
    return ".".join(labels)


def _canonical_path(path: str) -> str:
    path = quote(_normal_escapes(path), safe=_PATH_SAFE)
    while True:
        path = path.rstrip("/")
        if path.endswith("/amp") and path[:-4].strip("/"):
            path = path[:-4]
        elif path.endswith(".amp.html"):
            path = path.removesuffix(".amp.html") + ".html"
        else:
            return path or "/"


def _canonical_query(query: str, tracking: Collection[str]) -> str:
    prefixes = tuple(name[:-1] for name in tracking if name.endswith("*"))
    pairs: list[tuple[str, str]] = []
    for piece in query.split("&"):
        if not piece:
            continue
        key, _, value = quote(_normal_escapes(piece.replace("+", "%20")), safe=_QUERY_SAFE).partition("=")
        name = key.lower()
        if name in tracking or name.startswith(prefixes) or (name, value.lower()) in _AMP_PAIRS:
            continue
        pairs.append((key, value))
    return "&".join(f"{key}={value}" for key, value in sorted(pairs))


def _normal_escapes(text: str) -> str:
    """Decode the escapes of unreserved characters, and write the others in upper case."""
    return _ESCAPE.sub(_normal_escape, text)


def _normal_escape(match: re.Match[str]) -> str:
    digits: str | None = match[1]
    if digits is None:
        return "%25"
    char = chr(int(digits, 16))
    return char if char in _UNRESERVED else f"%{digits.upper()}"
