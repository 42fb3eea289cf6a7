"""The foot of a news article: moods, comments, votes, and counts that are right."""

__version__ = "0.6.1"
