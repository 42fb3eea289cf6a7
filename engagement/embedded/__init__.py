"""The one-machine default: a private Redis, the web processes and the worker, kept up by one supervisor."""
