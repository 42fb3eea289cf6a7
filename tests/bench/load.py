"""Load by wrk, whose script sends prepared requests one after the other."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

Request = tuple[str, str, dict[str, str], str]
"""Method, path, headers, body."""

SCRIPT = """
local wanted = {}
for line in io.lines(os.getenv('REQUESTS')) do wanted[#wanted + 1] = line end
local prepared, at = {}, 0
function init(args)
  math.randomseed(os.time() + tonumber(tostring({}):match('0x(%x+)'), 16) % 1000000)
  at = math.random(#wanted)
  for i = 1, #wanted do
    local method, path, headers, body = wanted[i]:match('^(%S+)\\t(%S+)\\t([^\\t]*)\\t(.*)$')
    local all = {['Content-Type'] = 'application/json'}
    for name, value in headers:gmatch('([^=|]+)=([^|]+)') do all[name] = value end
    prepared[i] = wrk.format(method, path, all, body ~= '' and body or nil)
  end
end
function request()
  at = at % #prepared + 1
  return prepared[at]
end
"""


@dataclass(frozen=True, slots=True)
class Call:
    """What to send."""

    name: str
    requests: list[Request]


def measure(url: str, call: Call, folder: Path, seconds: int, connections: int = 32) -> float:
    """Requests per second; fails if any answer is not 2xx."""
    script, wanted = folder / "load.lua", folder / "requests"
    script.write_text(SCRIPT)
    wanted.write_text(
        "".join(
            "\t".join([method, path, "|".join(f"{k}={v}" for k, v in headers.items()), body]) + "\n"
            for method, path, headers, body in call.requests
        )
    )
    said = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(script), url],
        env={"REQUESTS": str(wanted)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "Non-2xx" not in said, said
    found = re.search(r"Requests/sec:\s+([\d.]+)", said)
    assert found is not None, json.dumps(said)
    return float(found[1])
