"""Where the processes of one host add their metrics up."""

from __future__ import annotations

import os
from pathlib import Path

from engagement.settings import Settings


def share_metrics(settings: Settings) -> None:
    """Let the processes of this host add their metrics up; call it before prometheus_client is imported."""
    if settings.metrics_dir:
        Path(settings.metrics_dir).mkdir(parents=True, exist_ok=True)
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = settings.metrics_dir
