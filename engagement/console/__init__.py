"""The moderators' console at `/moderate`: pages over the same services as the admin API, in process."""
