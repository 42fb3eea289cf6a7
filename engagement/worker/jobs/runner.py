"""Takes turns among the jobs, a bounded time in each round of the worker."""

from __future__ import annotations

import time
from collections.abc import Mapping

import structlog
from prometheus_client import Counter, Gauge

from engagement import clock
from engagement.db import jobs
from engagement.db.jobs import BAN, ERASE, MERGE, Job, Overtaken
from engagement.errors import EngagementError, Unavailable
from engagement.logs import told
from engagement.worker.jobs.banning import banning
from engagement.worker.jobs.erasing import erasing
from engagement.worker.jobs.merging import merging
from engagement.worker.jobs.stores import Steps, Stores

log = structlog.get_logger()
JOBS = Gauge("engagement_jobs", "Jobs that are not over, by state", ["state"], multiprocess_mode="mostrecent")
FAULTS = Counter("engagement_job_faults_total", "Steps of jobs that failed")
STEPS = Counter("engagement_job_steps_total", "Steps of jobs that were done")

BUDGET = 0.1
"""Seconds after which a round begins no other step: the flush has its turn."""
AT_ONCE = 100
"""Jobs that are looked at in a round at most."""
LOOK = 0.5
"""Seconds between two looks for jobs, when there are none."""
WAIT, LONGEST = 0.1, 5.0
"""Seconds between two looks at a job that waits for something: the longer it waits, the more."""
GIVE_WAY = 600.0
"""Seconds between two tries of a step that fails again and again."""


class Jobs:
    """The jobs that one worker knows how to do."""

    def __init__(self, stores: Stores, kinds: Mapping[str, Steps] | None = None) -> None:
        """`kinds`: kind → its steps; those of this release unless others are given."""
        self._database = stores.database
        ours = {ERASE: erasing(stores), MERGE: merging(stores), BAN: banning(stores)}
        self._kinds = ours if kinds is None else kinds
        self._look_at = 0.0

    def work(self) -> bool:
        """Some steps of some jobs; True if there is more to do at once.

        A store that is down, or a step that fails, keeps the jobs waiting and nobody else.
        """
        if time.monotonic() < self._look_at:
            return False
        went_on, pause = False, LOOK
        try:
            until = time.monotonic() + BUDGET
            for job in self._find():
                pause = WAIT
                went_on |= self._step(job)
                if time.monotonic() > until:
                    break
        except Unavailable:
            pass  # the database; the flush says so
        self._look_at = 0.0 if went_on else time.monotonic() + pause
        return went_on

    def _find(self) -> list[Job]:
        with self._database.read() as connection:
            found = jobs.runnable(connection, self._kinds.keys(), AT_ONCE)
            total, failing = jobs.count(connection)
        JOBS.labels("running").set(total - failing)
        JOBS.labels("failing").set(failing)
        return found

    def _step(self, job: Job) -> bool:
        why = None
        try:
            step = self._kinds[job.kind].get(job.state)
            if step is None:  # of another release
                raise EngagementError(f"there is no step for {job.state!r}")
            if step(job):
                STEPS.inc()
                return True
        except Overtaken:
            return True
        except Unavailable as error:
            why = str(error)
        except Exception as error:
            log.exception("a job's step failed", job=str(job.id), kind=job.kind, state=job.state)
            self._fault(job, told(error))
            return False
        waited = (clock.now() - job.changed_at).total_seconds()
        with self._database.write() as connection:
            jobs.defer(connection, job, min(LONGEST, max(WAIT, waited / 4)), why)
        return False

    def _fault(self, job: Job, why: str) -> None:
        FAULTS.inc()
        with self._database.write() as connection:
            jobs.fault(connection, job, why, min(GIVE_WAY, 2.0 ** min(job.faults, 10)))
