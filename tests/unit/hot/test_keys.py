"""How things are named in Redis."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engagement.hot.keys import MOOD, SHARDS, VOTE, Ballot, ballot_keys, page_keys, shard_keys, shard_of

sites = st.from_regex(r"[a-z0-9]{1,10}", fullmatch=True)
articles = st.text(min_size=1, max_size=40).filter(lambda text: text.isprintable())


@given(sites, articles, st.uuids())
def test_a_ballot_comes_back_from_its_name(site: str, article: str, comment: object) -> None:
    for ballot in (Ballot(site, article, MOOD), Ballot(site, article, VOTE, str(comment))):
        assert Ballot.parse(ballot.name) == ballot


@given(sites, articles, st.uuids())
def test_every_key_of_an_article_is_in_one_slot(site: str, article: str, comment: object) -> None:
    shard = shard_of(site, article)
    keys = [
        *ballot_keys(Ballot(site, article, MOOD)),
        *ballot_keys(Ballot(site, article, VOTE, str(comment))),
        *shard_keys(shard),
        *page_keys(site, article),
    ]
    assert {key[: key.index("}") + 1] for key in keys} == {f"{{s{shard}}}"}
    assert 0 <= shard < SHARDS


def test_shards_never_change() -> None:
    """They are written into every key; crc32("demo:story") is 2482460191 everywhere."""
    assert shard_of("demo", "story") == 2482460191 % 128 == 31
