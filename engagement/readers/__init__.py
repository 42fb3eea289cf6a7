"""Readers: anonymous ones with a signed token."""
