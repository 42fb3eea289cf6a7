"""What the forms of the console have sent, read from the current request."""

from __future__ import annotations

from uuid import UUID

from flask import request

from engagement.errors import Invalid


def given(name: str) -> str | None:
    """A word of the query; None where it is empty."""
    return request.args.get(name, "").strip() or None


def chosen(name: str) -> UUID | None:
    """An id of the query. Raises `Invalid`."""
    return as_id(name, given(name))


def field(name: str) -> str | None:
    """A field of the form; None where it is empty."""
    return request.form.get(name, "").strip() or None


def as_id(name: str, text: str | None) -> UUID | None:
    """Raises `Invalid` for what is no id."""
    try:
        return UUID(text) if text else None
    except ValueError:
        raise Invalid(errors={name: ["is not an id"]}) from None


def number(name: str, text: str | None) -> int | None:
    """Raises `Invalid` for what is no whole number."""
    try:
        return int(text) if text else None
    except ValueError:
        raise Invalid(errors={name: ["must be a whole number"]}) from None
