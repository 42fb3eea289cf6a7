"""The bars of a chart."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engagement.console.charts import HEIGHT, MOST_BARS, WIDTH, bars

counts = st.lists(st.tuples(st.text("0123456789:", max_size=5), st.integers(0, 10**9)), max_size=800)


@given(counts)
def test_every_bar_stands_within_the_chart_and_none_is_lost(given: list[tuple[str, int]]) -> None:
    chart = bars(given)
    assert sum(bar.count for bar in chart.bars) == sum(count for _, count in given)
    assert len(chart.bars) <= MOST_BARS
    for bar in chart.bars:
        assert 0 <= bar.x <= bar.x + bar.width <= WIDTH + 0.1
        assert 0 <= bar.y <= bar.y + bar.height <= HEIGHT


def test_the_largest_is_the_tallest() -> None:
    chart = bars([("1:00", 2), ("2:00", 8), ("3:00", 0)])
    assert chart.most == 8
    heights = [bar.height for bar in chart.bars]
    assert heights[0] * 4 == heights[1]
    assert heights[2] == 0


def test_a_chart_of_nothing_is_empty() -> None:
    assert bars([]).bars == ()
