"""The footer as HTML: what it says, how it nests, what a machine reads in it, and what it links to."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from pyld import jsonld

from engagement.app import create_app
from engagement.db.ballots import StoredBallots
from engagement.db.engine import Database
from engagement.hot.connection import Hot
from engagement.settings import Settings
from engagement.sites.publishing import put_article
from engagement.worker.loop import Worker

A = "/v1/demo/articles/story"
URL = "https://news.example/story"
SCHEMA = "https://schema.org/"
Headers = dict[str, str]


@pytest.fixture
def say(client: FlaskClient, new_reader: Callable[..., Headers]) -> Callable[..., str]:
    """Post a comment by somebody new; answers its id."""

    def say(body: str, parent: str | None = None, name: str | None = None) -> str:
        sent = {"body": body, "parent_id": parent}
        answer = client.post(f"{A}/comments", json=sent, headers=new_reader(name=name))
        assert answer.status_code == 201, answer.text
        return str(answer.json["id"])  # type: ignore[index]

    return say


def put(settings: Settings, database: Database, **given: Any) -> None:
    put_article(database, Hot.from_settings(settings, StoredBallots(database)), "demo", "story", **given)


def linked_data(html: str) -> Any:
    """What an independent reader of JSON-LD finds in a page, every term as an IRI."""

    def vocabulary(url: str, _options: object) -> dict[str, Any]:
        assert url == "https://schema.org"
        terms = {"@vocab": SCHEMA, "url": {"@type": "@id"}}
        return {"contextUrl": None, "documentUrl": url, "document": {"@context": terms}}

    parsed = jsonld.load_html(html, "http://localhost/", None, {"extractAllScripts": False})
    (node,) = jsonld.expand(parsed, {"documentLoader": vocabulary})
    return node


def value(node: Any, term: str) -> Any:
    """The one value of a term."""
    (found,) = node[SCHEMA + term]
    return found.get("@value", found.get("@id", found))


def test_an_untouched_article_has_the_empty_state(client: FlaskClient) -> None:
    html = client.get(f"{A}/footer.html").text
    assert "There are no comments yet. Add your comment to start the conversation." in html
    assert "How does this make you feel?" in html
    assert "0 reactions" in html
    assert "Sort by" not in html


def test_a_closed_article_says_so_and_offers_nothing(
    client: FlaskClient, say: Callable[..., str], settings: Settings, database: Database
) -> None:
    say("before")
    put(settings, database, comments_open=False)
    html = client.get(f"{A}/footer.html").text
    assert "Comments on this article are closed. You can still read what was said." in html
    assert "Read the discussion</a>" in html
    assert "Reply" not in html


def test_the_fragment_tells_what_the_json_footer_tells(
    client: FlaskClient, say: Callable[..., str], reader: Headers, worker: Worker
) -> None:
    first = say("**one**", name="Ann <3")
    second = say("two", parent=first)
    client.put(f"{A}/reaction", json={"mood": "sad"}, headers=reader)
    worker.drain()
    html = client.get(f"{A}/footer.html").text
    assert re.search(r"Sad</span> <b [^>]*>1</b> <span [^>]*>100 %</span>", html)
    assert "2 comments</h2>" in html
    assert "<strong>one</strong>" in html
    assert "Ann &lt;3" in html
    assert html.index(first) < html.index('<ul class="engagement-replies">') < html.index(second)
    assert f'href="http://localhost/discussions/demo/story/comments/{first}"' in html


def test_a_flat_reply_says_what_it_answers(client: FlaskClient, say: Callable[..., str]) -> None:
    at = say("level 0")
    for level in range(1, 4):
        at = say(f"level {level}", parent=at, name=f"Reader {level}")
    answered = say("level 4", parent=at)
    page = client.get(f"/discussions/demo/story/comments/{answered}").text
    assert "level 3" in page
    listed: Any = client.get(f"{A}/comments").json
    deep = listed["items"][0]["replies"]["items"][0]["replies"]["items"][0]
    html = client.get(f"/discussions/demo/story/comments/{deep['id']}").text
    assert f'in reply to <a href="#engagement-comment-{at}">Reader 3</a>' in html


def test_a_removed_comment_with_replies_is_a_stone(
    client: FlaskClient, say: Callable[..., str], reader: Headers
) -> None:
    mine: Any = client.post(f"{A}/comments", json={"body": "mine alone"}, headers=reader).json
    say("an answer", parent=mine["id"])
    assert client.delete(f"{A}/comments/{mine['id']}", headers=reader).status_code == 204
    html = client.get(f"{A}/footer.html").text
    assert "This comment was removed." in html
    assert "an answer" in html
    assert "mine alone" not in html
    found = linked_data(html)[f"{SCHEMA}comment"]
    assert [value(each, "text") for each in found] == ["an answer"]


def test_what_is_kept_of_a_fragment_is_never_older_than_the_json_footer(
    client: FlaskClient, say: Callable[..., str], reader: Headers
) -> None:
    path = f"{A}/footer.html"
    seen = [client.get(path).text]
    mine: Any = client.post(f"{A}/comments", json={"body": "before"}, headers=reader).json
    seen.append(client.get(path).text)
    own = f"{A}/comments/{mine['id']}"
    client.patch(own, json={"body": "after"}, headers=reader | {"If-Match": '"1"'})
    seen.append(client.get(path).text)
    client.delete(own, headers=reader)
    assert ["before" in html for html in seen] == [False, True, False]
    assert "after" in seen[2]
    assert client.get(path).text == seen[0]


@pytest.mark.parametrize("sort", ["newest", "top"])
def test_its_pages_show_every_comment_once(client: FlaskClient, say: Callable[..., str], sort: str) -> None:
    said = {say(f"comment {n}") for n in range(7)}
    path = f"{A}/footer.html?sort={sort}&limit=3"
    found: list[str] = []
    while path:
        answer = client.get(path)
        assert answer.status_code == 200
        found += re.findall(r'id="engagement-comment-([^"]+)"', answer.text)
        link = re.match(r'<http://localhost(.*)>; rel="next"', answer.headers.get("Link", ""))
        assert ("More comments" in answer.text) is (link is not None)
        path = link[1] if link else ""
    assert sorted(found) == sorted(said)


@pytest.mark.one_store("it is refused before any store is asked")
@pytest.mark.parametrize(
    ("query", "status"),
    [("sort=worst", 422), ("limit=0", 422), ("nocache=1", 422), ("cursor=x", 400)],
)
def test_a_bad_query_is_a_problem_as_in_json(client: FlaskClient, query: str, status: int) -> None:
    answer = client.get(f"{A}/footer.html?{query}")
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")


def test_without_redis_it_comes_from_sql_and_says_so(
    settings: Settings, say: Callable[..., str], worker: Worker, tmp_path: Path
) -> None:
    say("before")
    worker.drain()
    without = create_app(replace(settings, redis_url=f"unix://{tmp_path}/no.sock")).test_client()
    answer = without.get(f"{A}/footer.html")
    assert answer.headers["Engagement-Degraded"] == "redis"
    assert "<p>before</p>" in answer.text
    assert "1 comment</h2>" in answer.text
    assert without.get("/discussions/demo/story").headers["Engagement-Degraded"] == "redis"
    assert without.get(f"{A}/feed.atom").status_code == 200


def test_its_links_lead_to_where_readers_reach_the_service(settings: Settings) -> None:
    public = create_app(replace(settings, public_url="https://talk.news.example")).test_client()
    html = public.get(f"{A}/footer.html", headers={"Host": "inside:8000"}).text
    assert 'href="https://talk.news.example/discussions/demo/story"' in html
    assert "inside" not in html


def test_a_machine_reads_comments_counts_and_what_answers_what(
    client: FlaskClient, say: Callable[..., str], reader: Headers, worker: Worker, settings: Settings,
    database: Database,
) -> None:  # fmt: skip
    put(settings, database, url=URL, title="Night train </script>")
    first = say("one\n\n> two </script><script>alert(1)</script>", name="Ann")
    second = say("three", parent=first)
    client.put(f"{A}/comments/{first}/vote", json={"value": 1}, headers=reader)
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=reader)
    worker.drain()
    html = client.get(f"{A}/footer.html").text
    assert html.count("<script") == html.count("</script") == 1
    node = linked_data(html)
    assert node["@type"] == [f"{SCHEMA}Article"]
    assert value(node, "headline") == "Night train </script>"
    assert (node["@id"], value(node, "url")) == (URL, URL)
    assert value(node, "commentCount") == 2
    counted = {
        (each[f"{SCHEMA}interactionType"][0]["@type"][0], value(each, "userInteractionCount"))
        for each in node[f"{SCHEMA}interactionStatistic"]
    }
    assert counted == {(f"{SCHEMA}CommentAction", 2), (f"{SCHEMA}ReactAction", 1)}
    one, three = node[f"{SCHEMA}comment"]
    assert one["@type"] == [f"{SCHEMA}Comment"]
    assert value(one, "text") == "one\n\ntwo </script><script>alert(1)</script>"
    assert value(one, "url") == f"http://localhost/discussions/demo/story/comments/{first}"
    assert (value(one, "upvoteCount"), value(one, "downvoteCount")) == (1, 0)
    assert value(one[f"{SCHEMA}author"][0], "name") == "Ann"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", value(one, "dateCreated"))
    assert f"{SCHEMA}parentItem" not in one
    assert (value(three, "parentItem"), value(three, "url")) == (one["@id"], three["@id"])
    assert three["@id"].endswith(second)


def test_the_discussion_page_is_a_posting_about_the_article(
    client: FlaskClient, say: Callable[..., str], settings: Settings, database: Database
) -> None:
    put(settings, database, url=URL, title="Night train")
    say("one")
    node = linked_data(client.get("/discussions/demo/story").text)
    assert node["@type"] == [f"{SCHEMA}DiscussionForumPosting"]
    assert value(node, "url") == "http://localhost/discussions/demo/story"
    assert node[f"{SCHEMA}about"][0]["@id"] == URL
    assert len(node[f"{SCHEMA}comment"]) == 1


@pytest.mark.parametrize(("article", "linked"), [("https://evil.example/x", False), (URL, True)])
def test_a_url_that_a_reader_has_made_up_is_no_link(
    client: FlaskClient, reader: Headers, article: str, linked: bool
) -> None:
    from engagement.sites.canonical import canonical_id, encode_segment

    at = encode_segment(canonical_id(article))
    client.post(f"/v1/demo/articles/{at}/comments", json={"body": "here"}, headers=reader)
    page = client.get(f"/discussions/demo/{at}").text
    assert ("Read the article" in page) is linked
    assert (article in client.get(f"/v1/demo/articles/{at}/footer.html").text) is linked
