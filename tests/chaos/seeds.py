"""Which random run it is: a new one each time, or the one in CHAOS_SEED."""

from __future__ import annotations

import os
from random import SystemRandom


def new_seed() -> int:
    return int(os.environ.get("CHAOS_SEED") or SystemRandom().randrange(1_000_000))
