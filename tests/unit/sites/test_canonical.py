"""The key of an article, and its form in a path."""

import base64
import re

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from engagement.sites.canonical import (
    MAX_ID_BYTES,
    TRACKING_PARAMETERS,
    canonical_id,
    decode_segment,
    encode_segment,
)

STORY = "https://example.com/story"

SAME_STORY = [
    *("https://example.com/story", "http://example.com/story", "HTTP://example.com/story"),
    *("http://example.com:80/story", "https://example.com:443/story"),
    *("https://reader:secret@example.com/story", "  https://example.com/story  "),
    *(r"https:\\example.com\story", "https://EXAMPLE.com/story"),
    *("https://example.com./story", "https://www.example.com/story", "https://m.example.com/story"),
    *("https://mobile.example.com/story", "https://amp.example.com/story"),
    *("https://www.m.example.com/story", "https://ex%61mple.com/story"),
    *("https://\uff45xample.com/story", "https://example.com/story/", "https://example.com/story//"),
    *("https://example.com/a/../story", "https://example.com/./story", "https://example.com/%2e/story"),
    *("https://example.com/st%6Fry", "https://example.com/st%6fry", "https://example.com/story/amp"),
    *("https://example.com/story/amp/", "https://example.com/story/amp/amp"),
    *("https://example.com/story/%61mp", "https://example.com/story?amp"),
    *("https://example.com/story?amp=1", "https://example.com/story?outputType=amp"),
    *("https://example.com/story#comments", "https://example.com/story?"),
    *("https://example.com/story?&&", "https://example.com/story?#"),
    "https://example.com/story?utm_source=mail&utm_medium=x&utm_whatever=1",
    *("https://example.com/story?UTM_SOURCE=mail", "https://example.com/story?utm%5Fsource=mail"),
    "https://example.com/story?fbclid=1&gclid=2&dclid=3&gbraid=4&wbraid=5&msclkid=6",
    "https://example.com/story?mc_cid=1&mc_eid=2&igshid=3&yclid=4&_hsenc=5&_hsmi=6&mkt_tok=7&ref_src=8",
    "http://www.example.com:80/a/../story/?utm_source=x&fbclid#top",
    *("https://example.com/story?fbclid=IwAR1", "https://example.com/story/?fbclid=IwAR1#comments"),
    *(
        f"https://example.com/story?utm_{name}=x"
        for name in ("source", "medium", "campaign", "term", "content")
    ),
    *("https://M.Example.COM/story/", "https://amp.example.com/story/amp/", "http://m.example.com:80/story"),
    *("https://mobile.example.com:443/story?utm_id=1", "https://www.example.com/story/amp?amp=1#top"),
    *("https://example.com/story?outputType=amp&fbclid=1", "http://AMP.example.com./story?gclid=1"),
]

KEYS = [
    # the root, and what may not be dropped
    ("http://example.com", "https://example.com/"),
    ("http://example.com/?a=1", "https://example.com/?a=1"),
    ("https://example.com//", "https://example.com/"),
    ("https:example.com/story", "https:example.com/story"),  # an id of the publisher's own, not a link
    ("https:2024", "https:2024"),
    ("https://example.com/#/story/2", "https://example.com/#/story/2"),
    ("https://example.com/a/#!b c", "https://example.com/a#!b%20c"),
    ("https://example.com//a//b", "https://example.com//a//b"),
    ("https://example.com/Story", "https://example.com/Story"),
    ("http://example.com:8080/a", "https://example.com:8080/a"),
    ("https://example.com:80/a", "https://example.com:80/a"),
    # hosts
    ("https://amp.dev/a", "https://amp.dev/a"),
    ("https://m.mobile.de/a", "https://mobile.de/a"),
    ("https://wwwexample.com/a", "https://wwwexample.com/a"),
    ("https://www/a", "https://www/a"),
    ("https://news.www.example.com/a", "https://news.www.example.com/a"),
    ("https://Bücher.example/a", "https://xn--bcher-kva.example/a"),
    ("http://127.1/a", "https://127.0.0.1/a"),
    ("http://[::0001]:8000/a", "https://[::1]:8000/a"),
    # percent-encoding
    ("https://example.com/a%2fb", "https://example.com/a%2Fb"),
    ("https://example.com/a%3fb", "https://example.com/a%3Fb"),
    ("https://example.com/%7Eme/%41%2D%2E%5F", "https://example.com/~me/A-._"),
    ("https://example.com/100%", "https://example.com/100%25"),
    ("https://example.com/%2%65", "https://example.com/%252e"),
    ("https://example.com/%2561", "https://example.com/%2561"),
    ("https://example.com/é", "https://example.com/%C3%A9"),
    ("https://example.com/%c3%a9", "https://example.com/%C3%A9"),
    ("https://example.com/a b|c", "https://example.com/a%20b%7Cc"),
    ("https://example.com/a,b;c=d", "https://example.com/a,b;c=d"),
    # AMP forms that are names
    ("https://example.com/amp", "https://example.com/amp"),
    ("https://example.com/amp/amp", "https://example.com/amp"),
    ("https://example.com/amp/story", "https://example.com/amp/story"),
    ("https://example.com/revamp", "https://example.com/revamp"),
    ("https://example.com/a.amp.html", "https://example.com/a.html"),
    ("https://example.com/a.amp.html/amp", "https://example.com/a.html"),
    ("https://example.com/a?amp=50&outputType=pdf", "https://example.com/a?amp=50&outputType=pdf"),
    # queries
    ("https://example.com/a?b=2&a=1", "https://example.com/a?a=1&b=2"),
    ("https://example.com/a?a=2&a=1", "https://example.com/a?a=1&a=2"),
    ("https://example.com/a?a=1&a=1", "https://example.com/a?a=1&a=1"),
    ("https://example.com/a?b=&a", "https://example.com/a?a=&b="),
    ("https://example.com/a?=1", "https://example.com/a?=1"),
    ("https://example.com/a?q=x=y", "https://example.com/a?q=x=y"),
    ("https://example.com/a?q=x+y", "https://example.com/a?q=x%20y"),
    ("https://example.com/a?q=x%2By%26z", "https://example.com/a?q=x%2By%26z"),
    ("https://example.com/a?id=7&utm_source=x", "https://example.com/a?id=7"),
    ("https://example.com/a?ref=home&source=b&cid=3", "https://example.com/a?cid=3&ref=home&source=b"),
    ("https://example.com/a?utmost=1", "https://example.com/a?utmost=1"),
    ("https://example.com/a?u=http://b.example/?c", "https://example.com/a?u=http://b.example/?c"),
    # ids that are no http(s) URL
    ("story-1", "story-1"),
    ("Story 1", "Story 1"),
    ("ftp://Example.com/a/", "ftp://Example.com/a/"),
    ("urn:uuid:1", "urn:uuid:1"),
    ("//example.com/a", "//example.com/a"),
    ("httpsnews", "httpsnews"),
    ("cafe\u0301", "caf\u00e9"),
    ("\u212a", "K"),
]

NO_KEY = [
    ("", "is empty"),
    ("   ", "is empty"),
    ("a" * (MAX_ID_BYTES + 1), "is longer than 1024 bytes"),
    ("é" * 513, "is longer than 1024 bytes"),
    ("https://example.com/" + "é" * 400, "is longer than 1024 bytes"),
    ("a\x00b", "has control characters"),
    ("a\nb", "has control characters"),
    ("https://exam\tple.com/", "has control characters"),
    ("a\x9fb", "has control characters"),
    ("a\ud800", "has a lone surrogate"),
    ("https://example.com/\udfff", "has a lone surrogate"),
    ("http://", "is not a valid URL"),
    ("https://", "is not a valid URL"),
    ("https:///", "is not a valid URL"),
    ("https://exa mple.com/", "is not a valid URL"),
    ("https://example.com:99999/", "is not a valid URL"),
    ("https://[::g]/", "is not a valid URL"),
    ("https://1.2.3.4.5/", "is not a valid URL"),
    ("https://?a", "is not a valid URL"),
    ("https://a..b/", "has no proper host"),
    ("https://./", "has no proper host"),
    ("https://foo.1../", "has no proper host"),
]

url_text = st.text(st.sampled_from("aAmMpPwW.:/%25623eEfFuUtm_?&=+#-~é\\@[]|' 1"), max_size=40)
urls = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["http://", "https://", "HTTPS:", "http:/", "https://www.", "https://m.amp."]),
    st.sampled_from(["example.com", "a.b.example.com.", "127.1", "[::1]", "m.uk", ""]),
    st.sampled_from(["", "/", ":443/", ":80/", ":8080/a", "/a/amp", "/x.amp.html", "?"]),
    url_text,
)


def canonical_or_none(text: str) -> str | None:
    try:
        return canonical_id(text)
    except ValueError:
        return None


@pytest.mark.parametrize("link", SAME_STORY)
def test_links_to_one_page_are_one_article(link: str) -> None:
    assert canonical_id(link) == STORY


@pytest.mark.parametrize(("text", "key"), KEYS)
def test_an_id_has_this_key(text: str, key: str) -> None:
    assert canonical_id(text) == key


@pytest.mark.parametrize("text", [*SAME_STORY, *(text for text, _ in KEYS)])
def test_the_key_of_a_key_is_itself(text: str) -> None:
    assert canonical_id(canonical_id(text)) == canonical_id(text)


@pytest.mark.parametrize(("text", "message"), NO_KEY)
def test_what_cannot_name_an_article_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        canonical_id(text)


def test_the_longest_id_is_accepted() -> None:
    assert canonical_id("a" * MAX_ID_BYTES) == "a" * MAX_ID_BYTES


def test_tracking_parameters_are_the_callers_to_choose() -> None:
    link = "https://example.com/a?utm_source=x&ref=home&my_1=y"
    assert canonical_id(link, tracking=()) == "https://example.com/a?my_1=y&ref=home&utm_source=x"
    assert canonical_id(link, tracking=["ref", "my_*"]) == "https://example.com/a?utm_source=x"


def test_no_tracking_parameter_could_ever_match_in_vain() -> None:
    assert all(name == name.lower() and name.rstrip("*") for name in TRACKING_PARAMETERS)


@given(st.one_of(urls, st.text(max_size=60)))
@example("http://a/%2%65%2E")
@example("https://[")
def test_a_key_is_stable_whatever_it_came_from(text: str) -> None:
    key = canonical_or_none(text)
    assume(key is not None)
    assert key is not None
    assert canonical_id(key) == key
    assert len(key.encode()) <= MAX_ID_BYTES


@given(urls)
def test_the_key_of_a_link_is_an_https_url_in_ascii(link: str) -> None:
    key = canonical_or_none(link)
    assume(key is not None)
    assert key is not None
    assume(re.match(r" *https?:[/\\\\]{2}", link, re.IGNORECASE) is not None)
    assert key.startswith("https://")
    assert key.isascii()
    page, _, route = key.partition("#")
    assert not set(page + route) & set(' "<>\\^`{|}#')
    assert not route or route[0] in "/!"


@pytest.mark.parametrize("text", ["story-1", "a.b_c:d@e-f", "...", "x" * 128, "0"])
def test_a_plain_id_is_its_own_segment(text: str) -> None:
    assert encode_segment(text) == text
    assert decode_segment(text) == text


@pytest.mark.parametrize(
    ("text", "segment"),
    [
        (".", "~Lg"),
        ("..", "~Li4"),
        ("a/b", "~YS9i"),
        ("~a", "~fmE"),
        ("é", "~w6k"),
        (STORY, "~aHR0cHM6Ly9leGFtcGxlLmNvbS9zdG9yeQ"),
        ("ÿ?>", "~w78_Pg"),
        ("plain\n", "~cGxhaW4K"),
    ],
)
def test_any_other_id_is_a_tilde_and_base64url(text: str, segment: str) -> None:
    assert encode_segment(text) == segment
    assert decode_segment(segment) == text


def test_an_id_of_129_characters_is_not_plain() -> None:
    assert encode_segment("x" * 129).startswith("~")


@given(st.text(min_size=1, max_size=256))
def test_a_segment_decodes_to_its_id(text: str) -> None:
    segment = encode_segment(text)
    assert decode_segment(segment) == text
    assert not set(segment) & set("/%?#+= ")
    assert segment not in {".", ".."}


def test_the_longest_id_survives_a_path() -> None:
    text = "/" * MAX_ID_BYTES
    assert decode_segment(encode_segment(text)) == text


@pytest.mark.parametrize(
    "segment",
    [
        "",
        ".",
        "..",
        "a/b",
        "a b",
        "a%20b",
        "é",
        "plain\n",
        "x" * 129,
        "~",
        "~Lg==",
        "~Lg=",
        "~Lh",  # the same byte as Lg, with other trailing bits
        "~Li5",  # two bytes, and a bit
        "~A",
        "~AAAAA",
        "~w78/Pg",
        "~w7 8",
        "~Lg\n",
        "~é",
        "~_w",  # the byte FF
        "~7aCA",  # a surrogate
        "~" + base64.urlsafe_b64encode(b"a" * (MAX_ID_BYTES + 1)).decode().rstrip("="),
    ],
)
def test_a_broken_segment_is_refused(segment: str) -> None:
    with pytest.raises(ValueError, match=r"^(is|does) "):
        decode_segment(segment)


@pytest.mark.parametrize("text", ["", "a" * (MAX_ID_BYTES + 1), "a\ud800"])
def test_what_cannot_be_an_id_has_no_segment(text: str) -> None:
    with pytest.raises(ValueError, match=r"^(is|has) "):
        encode_segment(text)


@given(st.text(st.sampled_from("ABgw~-_=. 78Lé"), max_size=12))
def test_a_segment_decodes_to_an_id_or_is_refused(segment: str) -> None:
    try:
        text = decode_segment(segment)
    except ValueError:
        return
    assert text
    assert segment in {
        encode_segment(text),
        "~" + base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    }
