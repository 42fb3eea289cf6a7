"""In the end all agree: what was accepted, what SQL has, what every view shows, what `verify` counts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from hypothesis.stateful import rule
from prometheus_client import REGISTRY
from sqlalchemy import select

from engagement.db.tables import article_counts, articles, choices, comments
from engagement.hot import commands
from engagement.hot.keys import MOOD, Ballot, ballot_keys, shard_keys
from engagement.hot.protocol import tallying
from engagement.verify import verify
from tests.integration.ledger.model import Posted
from tests.integration.ledger.stage import Stage
from tests.integration.ledger.world import ARTICLES, COMMENT, SITE, THREE, WHERE

ROUNDS = 100
NAMES = {id: name for name, id in ARTICLES.items()}


class Agreement(Stage):
    """Looks at the stores when an example is over."""

    def __init__(self) -> None:
        super().__init__()
        self._views_off = _views_off()

    def teardown(self) -> None:
        try:
            self.agree()
        finally:
            self.clear_the_stage()

    @rule()
    def count_what_is_held(self) -> None:
        """Each shard knows how many entries its ledgers have."""
        for shard in WHERE:
            names = self.client.zrange(shard_keys(shard)[4], 0, -1)
            ledgers = [ballot_keys(Ballot.parse(name.decode()))[2] for name in names]
            assert self.hot.execute(commands.held(shard)) == sum(map(self.client.xlen, ledgers)), "held"

    def agree(self) -> None:
        self.count_what_is_held()
        if self.sql_goes_back:
            self.rewind.check(beat=True)
        self.drain()
        assert self.stored_choices() == self.accepted_choices()
        if not self.sql_goes_back:
            assert _views_off() == self._views_off, "a view was off"
        assert not any(map(self.is_old, self.known())), "a view is from before SQL went back"
        for ballot in self.known():
            if self.is_there(ballot):
                assert self.hot.play(tallying(ballot)) == self.model.counts(ballot)
        self.comments_agree()
        differences = [difference.line() for difference in verify(self.database, self.hot).differences]
        assert differences == [], differences

    def drain(self) -> None:
        """The workers go on until nothing is left, also of what is kept for a minute."""
        for _ in range(ROUNDS):
            if not any(self.client.zcard(shard_keys(shard)[4]) for shard in WHERE):
                break
            for shard in WHERE:
                due: Any = self.client.zrange(shard_keys(shard)[4], 0, -1)
                for name in due:
                    self.client.zadd(shard_keys(shard)[4], {name: 0})
            self.flushers[0].flush(WHERE)
        else:
            raise AssertionError("the flush never ends")
        while self.outboxes[0].deliver():
            pass

    def stored_choices(self) -> dict[Ballot, dict[bytes, str]]:
        """Of all ballots that are still there, as SQL has them."""
        stored: dict[Ballot, dict[bytes, str]] = {}
        c = choices.c
        with self.database.read() as connection:
            for article, kind, subject, reader, choice in connection.execute(
                select(c.article_id, c.kind, c.subject_id, c.reader_id, c.choice)
            ):
                ballot = Ballot(SITE, NAMES[article], kind, "" if kind == MOOD else str(subject))
                if self.is_there(ballot):
                    stored.setdefault(ballot, {})[reader.bytes] = choice
        return stored

    def accepted_choices(self) -> dict[Ballot, dict[bytes, str]]:
        accepted = {
            ballot: {reader: choice for reader, choice in chosen.items() if choice}
            for ballot, chosen in self.model.choices.items()
            if self.is_there(ballot)
        }
        return {ballot: chosen for ballot, chosen in accepted.items() if chosen}

    def comments_agree(self) -> None:
        """Each comment is there once, and is counted; of deleted ones those with replies are shown."""
        posted = {COMMENT: Posted(THREE, None), **self.model.comments}
        c = comments.c
        with self.database.read() as connection:
            stored = {
                id: (NAMES[article], None if parent == article else parent, bool(shown), replies)
                for article, id, parent, shown, replies in connection.execute(
                    select(c.article_id, c.id, c.parent_id, c.shown, c.reply_count)
                )
            }
            counted = {
                name: (total, threads)
                for name, total, threads in connection.execute(
                    select(articles.c.external_id, article_counts.c.comments, article_counts.c.threads).join(
                        article_counts, article_counts.c.article_id == articles.c.id
                    )
                )
            }
        shown = {id for id in posted if _is_shown(posted, id)}
        places = [_place(posted, id) for id in shown]
        assert stored == {
            id: (comment.article, comment.parent, id in shown, places.count(id))
            for id, comment in posted.items()
        }
        on = [comment.article for comment in posted.values() if not comment.deleted]
        roots = [posted[id].article for id in shown if posted[id].parent is None]
        assert counted == {
            name: (on.count(name), roots.count(name)) for name in {c.article for c in posted.values()}
        }


def _is_shown(posted: dict[UUID, Posted], id: UUID) -> bool:
    replies = [reply for reply, comment in posted.items() if comment.parent == id]
    return not posted[id].deleted or any(_is_shown(posted, reply) for reply in replies)


def _place(posted: dict[UUID, Posted], id: UUID) -> UUID | None:
    """Below a comment of the first level all stand flat, as the stage's rules say."""
    parent = posted[id].parent
    return parent if parent is None or posted[parent].parent is None else _place(posted, parent)


def _views_off() -> float:
    return REGISTRY.get_sample_value("engagement_views_off_total") or 0.0
