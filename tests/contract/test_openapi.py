"""The OpenAPI page tells the truth: generated requests find no server error and no undocumented answer."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "6"))
"""Of each operation, on anything and on what is there; a third on each store after the first."""


def test_openapi_is_3_1_and_names_every_call(app: Flask) -> None:
    spec: Any = app.test_client().get("/openapi.json").json
    assert spec["openapi"] == "3.1.0"
    documented = {(path, method) for path, methods in spec["paths"].items() for method in methods}
    served = {
        (rule.rule.replace("<uuid:", "<").replace("<", "{").replace(">", "}"), method.lower())
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
        if rule.rule.startswith("/v1/") and method not in ("HEAD", "OPTIONS")
    }
    assert served <= documented


def test_the_docs_page_can_be_read(app: Flask) -> None:
    answer = app.test_client().get("/docs")
    assert answer.status_code == 200
    assert "/v1/{site}/counts" in answer.text


def test_generated_requests_find_no_server_error_and_no_undocumented_answer(
    app: Flask, sql_kind: str, new_reader: Callable[..., dict[str, str]]
) -> None:
    reader, examples = new_reader(), EXAMPLES if sql_kind == "sqlite" else EXAMPLES // 3
    client = app.test_client()
    posted = client.post("/v1/demo/articles/story/comments", json={"body": "here"}, headers=reader)
    assert posted.json is not None
    known = {"site": "demo", "article": "story", "comment": posted.json["id"]}
    schema = schemathesis.openapi.from_wsgi("/openapi.json", app)
    failures = []
    for result in schema.get_all_operations():
        operation: Any = result.ok()  # type: ignore[union-attr]
        for places in ({}, known):
            try:
                _probe(operation, places, reader, examples)
            except Exception as error:  # noqa: BLE001 - every operation is to be heard
                failures.append(f"{operation.label}: {error}")
    assert not failures, "\n\n".join(failures)


def _probe(operation: Any, places: dict[str, str], reader: dict[str, str], examples: int) -> None:
    """Generated requests to one operation, on what is there (`places`) or on anything."""

    @given(case=operation.as_strategy())
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def probe(case: Any) -> None:
        for name, value in places.items():
            if name in (case.path_parameters or {}):
                case.path_parameters[name] = value
        # Our token is good whatever was generated; and a schema can't say what a cursor or a name may be.
        unfit = [ignored_auth, positive_data_acceptance]
        case.validate_response(case.call(headers=reader), excluded_checks=unfit)

    probe()
