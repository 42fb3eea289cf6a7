"""The log of moderation."""
