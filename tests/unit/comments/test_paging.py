"""Cursors."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.comments.paging import MAX_CURSOR, MAX_PAGE, MAX_PINNED, Cursor, tail, tails
from engagement.comments.ranking import ORDERS
from engagement.errors import BadRequest


@given(
    st.sampled_from(sorted(ORDERS)), st.none() | st.uuids(), st.sampled_from(["", "0123456789ab"]),
    st.integers(0, 2**31 - 1), st.lists(st.uuids(), max_size=MAX_PAGE + MAX_PINNED),
)  # fmt: skip
def test_a_cursor_comes_back_as_it_went(
    sort: str, after: UUID | None, walk: str, at: int, shown: list[UUID]
) -> None:
    cursor = Cursor(sort, after, walk, at, tails(shown))
    text = cursor.encode()
    assert Cursor.decode(text, sort) == cursor
    assert len(text) <= MAX_CURSOR
    assert cursor.tails == {tail(id) for id in shown}


@given(st.text(max_size=200))
def test_what_is_no_cursor_is_refused_and_never_an_error(text: str) -> None:
    with pytest.raises(BadRequest):
        Cursor.decode(text, "newest")
