"""What SQL holds in the end, and how it differs from what clients were told."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select

from engagement.db.engine import Database
from engagement.db.tables import articles, choices, comments, dead_letters, events, tallies
from engagement.hot.keys import MOOD
from tests.chaos.history import NOTHING_LOST, Attempt, History, Lossy, Place
from tests.chaos.load import Load


@dataclass(frozen=True, slots=True)
class Comment:
    article: str
    parent: str | None
    place: str
    body: str
    up: int
    down: int
    reply_count: int


@dataclass(slots=True)
class Stored:
    """All of it that matters here."""

    choices: dict[Place, dict[UUID, str]]
    tallies: dict[Place, dict[str, int]]
    comments: dict[str, Comment]
    waiting: int
    """Events."""
    dead: int
    """Dead letters."""

    def counted(self, place: Place) -> dict[str, int]:
        """The stored choices, added up."""
        return dict(Counter(self.choices.get(place, {}).values()))


def read_stored(url: str) -> Stored:
    database = Database(url, timeout=20)
    with database.read() as connection:
        names = {row.id: str(row.external_id) for row in connection.execute(select(articles))}
        voted: defaultdict[Place, dict[UUID, str]] = defaultdict(dict)
        for row in connection.execute(select(choices)):
            voted[_place(names, row)][row.reader_id] = row.choice
        counted: defaultdict[Place, dict[str, int]] = defaultdict(dict)
        for row in connection.execute(select(tallies).where(tallies.c.count != 0)):
            counted[_place(names, row)][row.choice] = row[-1]
        said = {
            str(row.id): Comment(
                names[row.article_id],
                None if row.parent_id == row.article_id else str(row.parent_id),
                str(row.place_id or row.parent_id),
                row.body, row.up, row.down, row.reply_count,
            )
            for row in connection.execute(select(comments))
        }  # fmt: skip
        waiting = connection.scalar(select(func.count()).select_from(events)) or 0
        dead = connection.scalar(select(func.count()).select_from(dead_letters)) or 0
    database.close()
    return Stored(dict(voted), dict(counted), said, waiting, dead)


def _place(names: dict[UUID, str], row: object) -> Place:
    kind, subject, article = (getattr(row, name) for name in ("kind", "subject_id", "article_id"))
    return names[article], "" if kind == MOOD else str(subject)


def differences(load: Load, stored: Stored, lossy: Lossy = NOTHING_LOST) -> Iterator[str]:
    """What can't be, by what clients were answered; each with the history that says so."""
    histories = load.histories
    for (place, reader), history in histories.items():
        if place[1] and place[1] not in stored.comments:
            continue  # the comment itself is told of below
        now = stored.choices.get(place, {}).get(reader, "")
        if now not in history.possible(lossy):
            expected = " or ".join(sorted(history.possible(lossy)))
            yield f"SQL holds {now!r}, expected {expected!r}\n{history.told()}"
    for place, made in stored.choices.items():
        for reader in made:
            if (place, reader) not in histories:
                yield f"SQL holds {made[reader]!r} of {reader} on {place}, and nobody chose that"
        if stored.tallies.get(place, {}) != stored.counted(place):
            told, made_of = stored.tallies.get(place), stored.counted(place)
            yield f"SQL's tally of {place} is {told}, its choices are {made_of}"
    yield from _of_comments(load, stored, lossy)


def _of_comments(load: Load, stored: Stored, lossy: Lossy) -> Iterator[str]:
    times = Counter(comment.body for comment in stored.comments.values())
    bodies = set()
    for post in load.posts:
        bodies.add(post.body)
        if times[post.body] not in post.possible(lossy):
            yield f"stored {times[post.body]} times, expected {post.possible(lossy)}\n{post.told()}"
        if times[post.body] and not lossy and post.ids and not post.ids <= stored.comments.keys():
            yield f"another id than the one that was answered\n{post.told()}"
    replies = Counter(comment.place for comment in stored.comments.values())
    for id, comment in stored.comments.items():
        if comment.body not in bodies:
            yield f"nobody posted the comment {id}: {comment}"
        if comment.reply_count != replies[id]:
            yield f"comment {id} has {replies[id]} replies, and the count {comment.reply_count}"
        votes = stored.counted((comment.article, id))
        if (comment.up, comment.down) != (votes.get("up", 0), votes.get("down", 0)):
            yield f"comment {id} is sorted by {comment.up} up, {comment.down} down; its votes are {votes}"


@dataclass(frozen=True, slots=True)
class Losses:
    """What was acknowledged and is not there: choices and comments, by the requests that brought them."""

    choices: list[Attempt]
    comments: list[Attempt]

    def line(self) -> str:
        told = f"lost: {len(self.choices)} choices, {len(self.comments)} comments"
        times = [attempt.ended for attempt in (*self.choices, *self.comments)]
        return f"{told}, acknowledged from {min(times):.2f} to {max(times):.2f} s" if times else told


def losses(load: Load, stored: Stored) -> Losses:
    """Of each history that can't be, what was acknowledged after the request that explains what stands."""
    choices_lost = []
    for (place, reader), history in load.histories.items():
        now = stored.choices.get(place, {}).get(reader, "")
        if (place[1] and place[1] not in stored.comments) or now in history.possible():
            continue
        after: list[Attempt] = []
        for attempt in history.attempts:
            if attempt.choice == now:
                after.clear()
            elif attempt.acknowledged:
                after.append(attempt)
        choices_lost += after
    bodies = {comment.body for comment in stored.comments.values()}
    gone = [post for post in load.posts if post.acknowledged and post.body not in bodies]
    return Losses(choices_lost, [next(a for a in post.attempts if a.acknowledged) for post in gone])


def refusals_that_happened(load: Load, stored: Stored) -> int:
    """How many histories stand as they do because of a request that got a 503: 503 does not mean no."""
    found = 0
    for (place, reader), history in load.histories.items():
        without = History(place, reader, [a for a in history.attempts if a.status != 503])
        now = stored.choices.get(place, {}).get(reader, "")
        found += now in history.possible() and now not in without.possible()
    return found
