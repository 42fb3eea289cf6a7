"""What a page sends along for its site."""

from __future__ import annotations

import marshmallow as ma


class WriteHeadersSchema(ma.Schema):
    """Headers of a reader's write."""

    signature = ma.fields.String(
        data_key="Article-Signature",
        validate=ma.validate.Length(max=200),
        metadata={"description": "Where articles are `signed`: base64url(HMAC-SHA256(site key, article id))"},
    )
