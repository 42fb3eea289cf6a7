"""Below a closed comment nobody answers, however far below."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from engagement.comments.shut import closed_among

ROOT = UUID(int=0)
threads = st.integers(1, 30).flatmap(
    lambda many: st.tuples(*(st.tuples(st.integers(0, n), st.booleans()) for n in range(many)))
)


@given(threads, st.data())
def test_a_comment_is_closed_if_one_of_those_above_it_is(
    shape: tuple[tuple[int, bool], ...], data: st.DataObject
) -> None:
    """`shape`: of each comment, the number of the one that it answers (0: none), and whether it is closed."""
    above = {UUID(int=n): (UUID(int=parent), closed) for n, (parent, closed) in enumerate(shape, 1)}

    def is_closed(id: UUID) -> bool:
        return id != ROOT and (above[id][1] or is_closed(above[id][0]))

    asked = data.draw(st.lists(st.sampled_from(list(above)), unique=True))
    assert closed_among(asked, above) == {id for id in asked if is_closed(id)}


def test_a_very_long_thread_is_no_trouble() -> None:
    many = 30_000
    above = {UUID(int=n): (UUID(int=n - 1), n == 1) for n in range(1, many + 1)}
    assert closed_among([UUID(int=many)], above) == {UUID(int=many)}
