"""An HTTP API that is polled: pages, cursors, ETags, busy and broken answers, kills in the middle."""

import contextlib
import http.server
import json
import os
import random
import re
import signal
import socket
import subprocess
import threading
import time
import urllib.parse

import pytest

from conftest import PROGRAM

PIPELINE = """
pipeline: air
source:
  http_poll:
    url: "{url}/v1/{{station}}/readings"
    every: {every}
    for_each: {{ station: [oslo, bergen] }}
    query: {{ since: "{{cursor}}" }}
    secret_headers: {{ Authorization: "Bearer ${{POLL_TOKEN}}" }}
    page: {{ by: {by}, parameter: after, next: /next, items: /items }}
    cursor: {{ items: /items, field: id, start: "0" }}
    requests_per_second: 1000
    deadline: 2s
    retry_for: {retry_for}
codec: {{ json: {{ path: "items[*]" }} }}
columns:
  station: {{ type: string, from: path.station, entity: true }}
  id:      int64
  ts:      {{ type: timestamp, event_time: true }}
  value:   float64
lake:
  table: air.readings
  flush: {{ every: 100ms, bytes: 64KiB }}
"""


class Api:
    """Readings with growing ids per station, in pages; `fault` may answer first."""

    def __init__(self) -> None:
        self.rows = {"oslo": 35, "bergen": 12}
        self.page = 10
        self.connections: set = set()
        self.requests: list[str] = []
        self.statuses: dict[int, int] = {}
        self.fault = lambda handler, count: False
        self.authorizations: set[str] = set()
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                api.connections.add(self.connection)

            def finish(self) -> None:
                api.connections.discard(self.connection)
                super().finish()

            def do_GET(self) -> None:
                api.requests.append(self.path)
                api.authorizations.add(self.headers.get("Authorization", ""))
                if not api.fault(self, len(api.requests)):
                    self.reply(*api.answer(self.path, dict(self.headers)))

            def reply(self, status: int, body: bytes, headers=(), sent=None) -> None:
                api.statuses[status] = api.statuses.get(status, 0) + 1
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body if sent is None else body[:sent])
                if sent is not None:
                    self.close_connection = True

            def log_message(self, *arguments) -> None:
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address) -> None:
                pass

        self.make_server = lambda port: Server(("127.0.0.1", port), Handler)
        self.start(0)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, path: str, _headers) -> tuple:
        parts = urllib.parse.urlsplit(path)
        query = dict(urllib.parse.parse_qsl(parts.query))
        station = parts.path.split("/")[2]
        first = int(query.get("after") or query.get("since") or 0) + 1
        there = self.rows[station]  # It may grow meanwhile.
        last = min(first + self.page - 1, there)
        items = [
            {"id": i, "ts": f"2026-01-{1 + i % 28:02}T00:00:00Z", "value": i / 4}
            for i in range(first, last + 1)
        ]
        more = last < there
        body = {"items": items, "next": str(last) if more else None}
        return 200, json.dumps(body).encode(), ()

    def start(self, port: int) -> None:
        self.server = self.make_server(port)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def restart(self) -> None:
        """What is under way is cut off, and for a moment nobody answers."""
        self.stop()
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        time.sleep(0.3)
        self.start(self.server.server_port)


@pytest.fixture
def api():
    api = Api()
    yield api
    api.stop()


def use(project, api, every="1h", by="cursor", retry_for="20s"):
    os.environ["POLL_TOKEN"] = "canary-token"
    project.pipeline(
        "air", PIPELINE.format(url=api.url, every=every, by=by, retry_for=retry_for)
    )


COUNTS = "SELECT station, count(*) AS n, count(DISTINCT id) AS ids, max(id) AS last FROM air.readings GROUP BY 1 ORDER BY 1"


def expected(api) -> list[dict]:
    return [
        {"station": name, "n": n, "ids": n, "last": n} for name, n in sorted(api.rows.items())
    ]


def test_pages_are_followed_and_only_new_rows_are_asked_for(project, api):
    use(project, api)
    project.run()
    assert project.query(COUNTS) == expected(api)
    assert api.authorizations == {"Bearer canary-token"}
    asked = len(api.requests)
    api.rows["oslo"] = 47
    project.run()
    assert project.query(COUNTS) == expected(api)
    # Where the first run ended: nothing was asked for again.
    assert "/v1/oslo/readings?since=35" in api.requests[asked:]
    assert not any("since=0" in path for path in api.requests[asked:])
    assert project.verify()["violations"] == []
    spool = project.data / "spool/air/http_poll"
    assert not list(spool.glob("*.answer"))


def busy(handler, count) -> bool:
    """Every third request meets something else."""
    kind = {0: "429", 3: "500", 6: "cut", 9: "slow", 12: "reset"}.get(count % 15)
    if kind == "429":
        handler.reply(429, b"", [("Retry-After", "1")])
    elif kind == "500":
        handler.reply(500, b"sorry")
    elif kind == "cut":
        handler.reply(200, b'{"items": [], "next": null}', sent=9)
    elif kind == "slow":
        time.sleep(3)
        return False
    elif kind == "reset":
        handler.close_connection = True
        handler.connection.shutdown(2)
    return kind not in (None, "slow")


def test_a_server_that_is_busy_or_breaks_off_loses_and_doubles_nothing(project, api):
    api.fault = busy
    api.rows = {"oslo": 150, "bergen": 80}
    use(project, api)
    project.run()
    assert project.query(COUNTS) == expected(api)
    assert api.statuses[429] and api.statuses[500]


def test_kills_in_the_middle_take_each_answer_once(project, api):
    seed = int(os.environ.get("CATCHWATER_DRILL_SEEDS", "0")) or 1
    choose = random.Random(seed)
    api.rows = {"oslo": 600, "bergen": 300}
    api.fault = lambda handler, count: time.sleep(0.01)
    use(project, api, every="100ms")
    for _ in range(20 if "CATCHWATER_DRILL_SEEDS" in os.environ else 6):
        process = subprocess.Popen(
            [PROGRAM, "run", "."], cwd=project.folder, stderr=subprocess.DEVNULL
        )
        time.sleep(choose.uniform(0.1, 1.2))
        process.send_signal(signal.SIGKILL)
        process.wait()
        for name in api.rows:
            api.rows[name] += choose.randrange(30)
    project.run()
    assert project.query(COUNTS) == expected(api), f"seed {seed}"
    assert project.verify()["violations"] == []


def test_an_unchanged_answer_is_not_taken_again(project, api):
    body = json.dumps({"items": [{"id": 1, "ts": "2026-01-01T00:00:00Z", "value": 1}]}).encode()
    asked = []

    def with_tag(handler, _count) -> bool:
        asked.append(handler.headers.get("If-None-Match"))
        if asked[-1] == '"v1"':
            handler.reply(304, b"")
        else:
            handler.reply(200, body, [("ETag", '"v1"')])
        return True

    api.fault = with_tag
    use(project, api, by="none")
    project.run()
    project.run()
    assert asked == [None, None, '"v1"', '"v1"']
    assert project.value("SELECT count(*) FROM air.readings") == 2


def test_a_refusal_is_a_dead_letter_and_others_go_on(project, api):
    def no_oslo(handler, _count) -> bool:
        if "oslo" in handler.path:
            handler.reply(404, b"no such station")
            return True
        return False

    api.fault = no_oslo
    use(project, api)
    project.run()
    assert project.query("SELECT station, count(*) AS n FROM air.readings GROUP BY 1") == [
        {"station": "bergen", "n": 12}
    ]
    (letter,) = project.query("SELECT reason FROM air.readings__dead_letters")
    assert "status 404" in letter["reason"]
    assert project.verify()["violations"] == []


def test_wrong_credentials_stop_with_the_setting_and_without_the_secret(project, api):
    def denied(handler, _count) -> bool:
        handler.reply(401, b"")
        return True

    api.fault = denied
    use(project, api)
    done = project.run(expect=None)
    assert done.returncode != 0
    assert "secret_headers" in done.stderr and "401" in done.stderr
    assert not re.search("canary", done.stdout + done.stderr)
