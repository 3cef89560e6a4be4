"""The rate-limiting binding in other conditions: without support for `delta`, or failing."""

import json
import re
from pathlib import Path

import httpx

from dev import configuration, serve
from tests.worker.service import KEY, PATIENCE_SECONDS, Service

LIMITER = """\
import { WorkerEntrypoint } from "cloudflare:workers";

let works = true;
const asked = [];

export default class extends WorkerEntrypoint {
  limit(options) {
    asked.push(Object.keys(options));
    if (!works) throw new Error("out of order");
    if ("delta" in options) throw new TypeError("unknown option: delta");
    return { success: asked.length < 5 };
  }

  fetch(request) {
    works &&= request.method === "GET";
    return Response.json(asked);
  }
}
"""


def test_a_limiter_without_delta_counts_requests_and_one_that_fails_lets_everybody_in(
    stand_in: serve.Server, tmp_path: Path
) -> None:
    """Both are logged. `delta` is tried once. What the limiter refuses stays refused."""
    folder = tmp_path / "limiter"
    folder.mkdir()
    (folder / "entry.js").write_text(LIMITER)
    date = configuration.read(configuration.DEPLOYED)["compatibility_date"]
    config = folder / "wrangler.json"
    config.write_text(json.dumps({"name": "limiter", "main": "entry.js", "compatibility_date": date}))
    ai = {"binding": "AI", "service": configuration.read(configuration.STAND_IN)["name"]}
    services = [ai, {"binding": "RATE_LIMITER", "service": "limiter"}]
    with (
        serve.Server(folder, ["--config", str(config), "--port", "0"], registry=stand_in.registry) as limiter,
        serve.start(
            tmp_path / "worker",
            ai=stand_in,
            vars={"API_KEY": KEY},
            changes={"ratelimits": None, "services": services},
        ) as server,
        httpx.Client(
            base_url=server.url, headers={"authorization": f"Bearer {KEY}"}, timeout=PATIENCE_SECONDS
        ) as client,
    ):
        service = Service(server, client)
        drawn = [service.generate("A red fox", response_format="b64_json", n=2) for _ in range(4)]
        asked = httpx.get(limiter.url).json()
        httpx.post(limiter.url)
        let_in = service.generate("A red fox", response_format="b64_json")
        warnings = [json.loads(line) for line in re.findall(r'\{"warning".*\}', service.log())]

    assert asked == [["key", "delta"], ["key"], ["key"], ["key"], ["key"]]
    assert [answer.status_code for answer in drawn] == [200, 200, 200, 429]
    assert {answer.headers["server-timing"].partition(", ")[0] for answer in drawn} == {'limit;desc="requests counted"'}
    assert let_in.status_code == 200
    assert let_in.headers["server-timing"].startswith('limit;desc="nothing counted"')
    assert [warning["warning"] for warning in warnings] == [
        "RATE_LIMITER does not take delta: requests are counted instead of pictures",
        "RATE_LIMITER failed, so the request was let in",
    ]
    assert ["unknown option: delta" in warnings[0]["detail"], "out of order" in warnings[1]["detail"]] == [True, True]
