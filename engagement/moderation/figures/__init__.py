"""Figures of moderation."""
