"""`make chaos`: the long runs, one after the other, summed up; ends with 1 if any of them fails.

python -m tests.chaos [--seed N] [--runs N] [--seconds N] [--minutes N] [--only NAME]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.chaos.going_back import promoted_postgres, promoted_redis, restored_backup
from tests.chaos.rolling import rolling
from tests.chaos.seeds import new_seed
from tests.chaos.starving import crowded
from tests.chaos.storm import storm
from tests.chaos.summary import Summary, summed_up
from tests.chaos.wiped import wiped

Run = Callable[..., Summary]


def main() -> int:
    """Run what is asked for."""
    asked = _asked()
    for name in [name for name in os.environ if name.startswith("ENGAGEMENT_")]:
        del os.environ[name]
    failed, storms = 0, []
    for n, (name, run) in enumerate(_runs(asked.runs, asked.seconds, asked.minutes)):
        if asked.only and asked.only not in name:
            continue
        seed = asked.seed + n
        print(f"{time.strftime('%X')} {name}, seed {seed} …", flush=True)
        try:
            with tempfile.TemporaryDirectory(prefix="engagement-chaos-") as folder:
                summary = run(Path(folder), seed=seed)
        except Exception:  # noqa: BLE001 - all are run
            failed += 1
            print(traceback.format_exc(), flush=True)
            continue
        if name == "storm":
            storms.append(summary)
        print(*summary.lines(), sep="\n", flush=True)
    if storms:
        print(f"storm: {summed_up(storms)}")
    print(f"{failed} runs failed" if failed else "every run is right")
    return 1 if failed else 0


def _runs(runs: int, seconds: float, minutes: float) -> list[tuple[str, Run]]:
    broken = partial(storm, seconds=seconds, kills=5, hangs=2)
    return [
        *[("storm", broken)] * runs,
        ("everysec", partial(broken, durability="everysec")),
        ("power cuts, everysec", partial(broken, durability="everysec", power=True)),
        ("storm on a cluster", partial(broken, cluster=True)),
        ("backup of a minute ago", partial(restored_backup, before=60, after=20)),
        ("backup, short ledger", partial(restored_backup, before=30, after=20, keep=10)),
        ("promoted postgres", partial(promoted_postgres, lag=10, after=20)),
        ("promoted redis", partial(promoted_redis, lag=10, after=20)),
        ("evicted", partial(wiped, seconds=seconds)),
        ("emptied", partial(wiped, seconds=seconds, emptied=True)),
        ("rolling restart", partial(rolling, rounds=5)),
        ("rolling restart, balancer not told", partial(rolling, rounds=5, told=False)),
        *(
            (f"crowd on {sql}", partial(crowded, seconds=60 * minutes, sql=sql, longest_lag=1.0))
            for sql in ("sqlite", "postgresql")
        ),
    ]


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument(
        "--seed", type=int, default=new_seed(), help="of the first run; the next has the next"
    )
    parser.add_argument("--runs", type=int, default=10, help="of the storm")
    parser.add_argument("--seconds", type=float, default=60, help="that each of them takes")
    parser.add_argument("--minutes", type=float, default=10, help="that each crowd takes")
    parser.add_argument("--only", help="runs whose names have this")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
