"""`python -m tests.bench`: how fast the calls are, beside a bare answer of the same size in the same run.

The service runs as `engagement serve` starts it (SQLite, private Redis, two web processes), without rate
limits. The reference is a bare WSGI function under the same gunicorn settings that answers as many bytes
as the call does. Each call is loaded in turn with its reference, several rounds, by wrk on the same
machine; medians and the ratio are printed. Machines are noisy: the ratio is what to quote.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from random import Random

import requests

from engagement import clock
from engagement.readers.tokens import Token, Tokens
from tests.bench.load import Call, measure
from tests.bench.reference import Reference
from tests.servers import Served
from tests.waiting import until

ARTICLES = 2_000
FRONT_PAGES = 200
COMMENTS = 200
READERS, POSTERS = 2_000, 20
MOODS = ["happy", "sad", "angry", "dont_care", "inspired", "afraid", "amused", "annoyed"]


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(prog="tests.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4, help="of each round")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("The bench needs wrk on PATH (on Debian and Ubuntu: apt-get install wrk).")
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        served = Served(folder / "data", folder / "log", RATELIMIT_ENABLED="false")
        try:
            rows = run(served, folder, options.rounds, options.seconds)
            rows["memory (PSS of all processes), MB"] = {"after the run": memory(served)}
        finally:
            served.stop()
    if options.json:
        print(json.dumps(rows, indent=1))
        return
    for what, figures in rows.items():
        print(what + ": " + ", ".join(f"{key} {value}" for key, value in figures.items()))


def run(served: Served, folder: Path, rounds: int, seconds: int) -> dict[str, dict[str, object]]:
    """Fill the service, then measure each call."""
    random = Random(7)
    tokens = Tokens((served.data / "secret.key").read_text().strip(), 86_400)
    posters = [served.mint() for _ in range(POSTERS)]
    readers = [
        {"Authorization": f"Bearer {tokens.sign(Token('demo', clock.new_id()))}"} for _ in range(READERS)
    ]
    with requests.Session() as session:
        fill(session, served.url, posters[0], readers)
    fronts = [random.sample(range(ARTICLES), 50) for _ in range(FRONT_PAGES)]
    calls = [
        Call("footer, 200 comments", [("GET", "/v1/demo/articles/a0/footer", {}, "")]),
        Call("first page of comments", [("GET", "/v1/demo/articles/a0/comments", {}, "")]),
        Call(
            "counts of 50 articles, 200 front pages over 2,000 articles",
            [
                ("GET", "/v1/demo/counts?" + "&".join(f"article=a{n}" for n in front), {}, "")
                for front in fronts
            ],
        ),
        Call(
            "reaction, 2,000 readers over 100 articles",
            [
                (
                    "PUT",
                    f"/v1/demo/articles/a{random.randrange(100)}/reaction",
                    reader,
                    json.dumps({"mood": mood}),
                )
                for mood in random.sample(MOODS, 3)
                for reader in readers
            ],
        ),
        Call(
            "comment",
            [
                (
                    "POST",
                    "/v1/demo/articles/a1/comments",
                    who,
                    json.dumps({"body": f"{n}. " + "Well said. " * 12}),
                )
                for n in range(200)
                for who in posters
            ],
        ),
    ]
    found: dict[str, dict[str, object]] = {}
    for call in calls:
        method, path, headers, body = call.requests[0]
        typed = {**headers, "Content-Type": "application/json"}
        answer = requests.request(method, served.url + path, headers=typed, data=body or None, timeout=30)
        assert answer.ok, answer.text
        with Reference(folder, len(answer.content)) as reference:
            ours, bare = [], []
            for _ in range(rounds):
                bare.append(measure(reference.url, Call("bare", [("GET", "/", {}, "")]), folder, seconds))
                ours.append(measure(served.url, call, folder, seconds))
        found[call.name] = {
            "bytes": len(answer.content),
            "rps": round(statistics.median(ours)),
            "bare rps": round(statistics.median(bare)),
            "ratio": round(statistics.median(o / b for o, b in zip(ours, bare, strict=True)), 2),
        }
        print(f"{call.name}: {found[call.name]}", file=sys.stderr)
    verified = subprocess.run(
        [sys.executable, "-m", "engagement", "verify", "--data", str(served.data)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    found["verify afterwards"] = {"says": verified.stdout.strip()}
    return found


def fill(session: requests.Session, url: str, poster: dict[str, str], readers: list[dict[str, str]]) -> None:
    """2,000 articles with a reaction each, and one with a conversation."""
    session.headers["Content-Type"] = "application/json"
    for n in range(ARTICLES):
        body = {"mood": MOODS[n % len(MOODS)]}
        session.put(
            f"{url}/v1/demo/articles/a{n}/reaction", json=body, headers=readers[n % READERS], timeout=30
        )
    parent = None
    for n in range(COMMENTS):
        body = {"body": f"Comment {n}. " + "Words of a usual length, as readers write them. " * 4}
        if n % 4:
            body["parent_id"] = parent  # type: ignore[assignment]
        posted = session.post(
            f"{url}/v1/demo/articles/a0/comments", json=body, headers=poster, timeout=30
        ).json()
        parent = parent if n % 4 else posted["id"]
    counts = f"{url}/v1/demo/counts?article=a0"
    until(lambda: session.get(counts, timeout=30).json()["articles"]["a0"]["comments"] == COMMENTS)


def memory(served: Served) -> int:
    """Proportional set size of everything that `serve` started, in MB."""
    import psutil

    assert served.process is not None
    parent = psutil.Process(served.process.pid)
    return round(sum(p.memory_full_info().pss for p in [parent, *parent.children(recursive=True)]) / 1e6)


if __name__ == "__main__":
    main()
