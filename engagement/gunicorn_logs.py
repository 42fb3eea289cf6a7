"""gunicorn's own log lines: without the addresses of clients, and without what they have sent."""

from __future__ import annotations

from typing import Any

from gunicorn.glogging import Logger as GunicornLogger

from engagement.logs import WithoutTexts


class Logger(GunicornLogger):  # type: ignore[misc]  # gunicorn has no types
    """Writes to where gunicorn would."""

    def setup(self, cfg: Any) -> None:
        """Once for each process."""
        super().setup(cfg)
        self.error_log.addFilter(WithoutTexts())
