"""Sinks over HTTP: InfluxDB (Debian's 1.6, real), the v2 path and webhooks (a server that writes down
what it is sent)."""

import http.server
import json
import threading
import urllib.request

import pytest

from conftest import Project
from influx import Influx

PIPELINE = """
pipeline: sensors
source: { file: { path: in/*.csv } }
codec: csv
columns:
  sensor_id:   { type: string, entity: true }
  ts:          { type: timestamp, event_time: true }
  temperature: float64
  level:       int64
  note:        string
lake: { table: sensors.readings, flush: { every: 100ms } }
sinks:
  - SINK
"""


def write(project: Project, name: str, lines: list[str]) -> None:
    (project.folder / "in").mkdir(exist_ok=True)
    (project.folder / "in" / name).write_text(
        "sensor_id,ts,temperature,level,note\n" + "".join(f"{line}\n" for line in lines))


# --- InfluxDB 1 ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def influx(tmp_path_factory):
    server = Influx(tmp_path_factory.mktemp("influx"))
    yield server
    server.stop()


def rows(influx: Influx, query: str, **more) -> list:
    """The rows of an answer; without an answer none."""
    series = influx.ask(query, **more)
    return series[0]["values"] if series else []


SINK_V1 = ("influx: { url: \"URL\", api: v1, database: DB, measurement: readings, time: ts, "
           "tags: [sensor_id], every: 50ms }")


def test_points_arrive_and_corrections_replace_them(project, influx):
    influx.ask("CREATE DATABASE one")
    project.pipeline("sensors", PIPELINE.replace(
        "SINK", SINK_V1.replace("URL", influx.url).replace("DB", "one")))
    write(project, "a.csv", [f"s 1,2026-01-02T00:{m:02}:00Z,{m}.5,{m}," for m in range(30)]
          + ['"a,b=c",2026-01-02T00:00:00.000001Z,1,,"say ""no"" \\ 1"'])
    project.run()
    assert rows(influx, "SELECT count(temperature), sum(level) FROM readings", db="one")[0][1:] == [31, 435]
    assert rows(influx, "SELECT note FROM readings WHERE sensor_id = 'a,b=c'", db="one") == [
        [1767312000000001, 'say "no" \\ 1']]
    write(project, "b.csv", ["s 1,2026-01-02T00:07:00Z,100,,"])
    project.run()
    assert rows(influx, "SELECT count(temperature), max(temperature) FROM readings", db="one")[0][1:] == [
        31, 100]


def test_a_database_that_is_not_there_and_a_changed_type_are_told(project, influx):
    sink = SINK_V1.replace("URL", influx.url).replace("DB", "two")
    project.pipeline("sensors", PIPELINE.replace("SINK", sink))
    write(project, "a.csv", ["s1,2026-01-02T00:00:00Z,1,1,"])
    done = project.call("validate", "--connect", ".", expect=4)
    assert "error[E2022]" in done.stderr and 'CREATE DATABASE "two"' in done.stderr
    influx.ask("CREATE DATABASE two")
    project.run()
    text = PIPELINE.replace("SINK", sink.replace("measurement: readings", "measurement: other"))
    project.pipeline("sensors", text)
    # Of the same day: a type holds within a shard.
    taken = b'other,sensor_id=x level="text" 1767312000000000000'
    urllib.request.urlopen(influx.url + "/write?db=two", taken).close()
    write(project, "b.csv", ["s1,2026-01-02T00:00:01Z,1,1,"])
    done = project.run(expect=None)
    assert done.returncode != 0
    assert "field that has another type" in done.stderr
    assert project.status("sensors")["sinks"][0]["state"] == "blocked"


# --- A server that writes down -------------------------------------------------------------------


class Receiver:
    def __init__(self) -> None:
        self.requests: list[tuple[str, dict, str]] = []
        self.answers: list[int] = []  # Of the next requests; then 204.
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                receiver.requests.append((self.path, dict(self.headers), body))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 204)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_HEAD = lambda self: (self.send_response(405), self.end_headers())  # noqa: E731
            do_GET = lambda self: (self.send_response(200), self.end_headers())  # noqa: E731

            def log_message(self, *_) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.server.shutdown()


def test_the_v2_path_has_org_bucket_and_token(project, receiver, monkeypatch):
    monkeypatch.setenv("TOKEN", "hush")
    project.pipeline("sensors", PIPELINE.replace("SINK", (
        f'influx: {{ url: "{receiver.url}", org: my org, bucket: b, token: "${{TOKEN}}", '
        "measurement: readings, time: ts, tags: [sensor_id], fields: [level], every: 50ms }")))
    write(project, "a.csv", ["s1,2026-01-02T00:00:00.000001Z,1,7,"])
    assert "hush" not in project.run().stderr
    (path, headers, body), = receiver.requests
    assert path == "/api/v2/write?org=my%20org&bucket=b&precision=us"
    assert headers["Authorization"] == "Token hush"
    assert body == "readings,sensor_id=s1 level=7i 1767312000000001\n"


def webhook(project: Project, receiver: Receiver, monkeypatch) -> None:
    monkeypatch.setenv("TOKEN", "Bearer hush")
    project.pipeline("sensors", PIPELINE.replace("SINK", (
        f'webhook: {{ url: "{receiver.url}/in", columns: [sensor_id, level], batch_rows: 4, '
        'headers: { Authorization: "${TOKEN}" }, every: 50ms }')))


def test_a_webhook_gets_each_row_with_an_id(project, receiver, monkeypatch):
    webhook(project, receiver, monkeypatch)
    write(project, "a.csv", [f"s1,2026-01-02T00:00:{s:02}Z,1,{s}," for s in range(10)])
    project.run()
    rows = [json.loads(line) for _, _, body in receiver.requests for line in body.splitlines()]
    assert [row["level"] for row in rows] == list(range(10))
    ids = [headers["Idempotency-Key"] for _, headers, _ in receiver.requests]
    assert [i.rsplit(":", 1)[1] for i in ids] == ["0", "4", "8"] and len(set(ids)) == 3
    assert receiver.requests[0][1]["Authorization"] == "Bearer hush"


def test_a_webhook_that_fails_gets_the_same_again(project, receiver, monkeypatch):
    webhook(project, receiver, monkeypatch)
    receiver.answers = [204, 503]
    write(project, "a.csv", [f"s1,2026-01-02T00:00:{s:02}Z,1,{s}," for s in range(10)])
    project.run()
    ids = [headers["Idempotency-Key"] for _, headers, _ in receiver.requests]
    assert ids[2:] == [ids[0], ids[1], *ids[4:]] and len(set(ids)) == 3
    by_id = {headers["Idempotency-Key"]: body for _, headers, body in receiver.requests}
    assert sum(len(body.splitlines()) for body in by_id.values()) == 10
