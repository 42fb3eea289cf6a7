"""Cursors."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.comments.paging import Cursor
from engagement.comments.ranking import ORDERS
from engagement.errors import BadRequest


@given(st.sampled_from(sorted(ORDERS)), st.integers(-(2**61), 2**61), st.uuids())
def test_a_cursor_comes_back_as_it_went(sort: str, score: int, id: UUID) -> None:
    cursor = Cursor(sort, score, id)
    assert Cursor.decode(cursor.encode(), sort) == cursor


@given(st.text(max_size=200))
def test_what_is_no_cursor_is_refused_and_never_an_error(text: str) -> None:
    with pytest.raises(BadRequest):
        Cursor.decode(text, "newest")
