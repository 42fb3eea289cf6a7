"""`/healthz`, `/readyz`, `/metrics`: for the person on call."""

from __future__ import annotations

import time
from functools import cache

from flask import Blueprint, Flask, Response, g, request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from engagement.db.engine import Database
from engagement.hot.connection import Hot
from engagement.http import private
from engagement.vitals import VitalsCollector, examine

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
REQUESTS = Counter("engagement_requests_total", "Requests answered", ["endpoint", "method", "status"])
SECONDS = Histogram(
    "engagement_request_seconds",
    "Time to answer",
    ["endpoint"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)


@cache
def _requests(endpoint: str, method: str, status: int) -> Counter:
    """Looked up once: finding it by its labels takes longer than counting."""
    return REQUESTS.labels(endpoint, method, status)


@cache
def _seconds(endpoint: str) -> Histogram:
    return SECONDS.labels(endpoint)


def init_app(app: Flask, hot: Hot, database: Database, metrics_dir: str) -> None:
    """Register the calls, and count requests."""
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    def healthz() -> Response:
        return private({"status": "ok"})

    @blueprint.get("/readyz")
    def readyz() -> Response:
        vitals = examine(hot, database)
        return private(vitals.body(), 200 if vitals.good else 503)

    @blueprint.get("/metrics")
    def metrics() -> Response:
        registry = REGISTRY
        if metrics_dir:
            registry = CollectorRegistry()
            MultiProcessCollector(registry, path=metrics_dir)  # type: ignore[no-untyped-call]
        asked = CollectorRegistry()
        asked.register(VitalsCollector(hot, database))
        text = generate_latest(registry) + generate_latest(asked)
        return Response(text, content_type=CONTENT_TYPE_LATEST)

    @app.before_request
    def begin() -> None:
        g.began = time.perf_counter()

    @app.after_request
    def count(response: Response) -> Response:
        endpoint = request.endpoint or "none"
        method = request.method if request.method in METHODS else "OTHER"  # anybody can invent one
        _requests(endpoint, method, response.status_code).inc()
        if "began" in g:
            _seconds(endpoint).observe(time.perf_counter() - g.began)
        return response

    app.register_blueprint(blueprint)
