"""Statements of reasons, and appeals against them."""
