"""Source `file` on `s3://`, told of new objects by the events of a real S3 server."""

import http.server
import signal
import threading
import urllib.error
import urllib.request
import uuid

import pytest
from ports import free_port
from s3_server import S3Project, S3Server
from test_kafka import Running, wait_for

PIPELINE = """
pipeline: dropped
source:
  file:
    path: "s3://{bucket}/in/*.csv"
    watch: true
    poll: {poll}
    notify: {notify}
codec: csv
columns: {{ id: int64 }}
lake: {{ table: t.dropped, flush: {{ every: 100ms }} }}
"""


class Forwarder:
    """Takes the server's events and posts each to the program, twice."""

    def __init__(self, url: str) -> None:
        self.answers: list[int] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.send_response(200)
                self.end_headers()
                for _ in range(2):
                    outer.answers.append(post(url, body))

            def log_message(self, *_) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def post(url: str, body: bytes, token: str = "right") -> int:
    request = urllib.request.Request(url, body, {"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


@pytest.fixture
def server_with(tmp_path):
    """Starts an S3 server with options."""
    servers = []

    def start(*more: str) -> S3Server:
        servers.append(S3Server(tmp_path / "s3", *more))
        return servers[0]

    yield start
    for server in servers:
        server.stop()


def project_on(tmp_path, server, notify: str, poll="1h") -> S3Project:
    project = S3Project(tmp_path / "project", server)
    text = PIPELINE.format(bucket=project.bucket, notify=notify, poll=poll)
    return project.pipeline("dropped", text)


def put(project, name: str, *ids: int) -> None:
    body = "id\n" + "".join(f"{n}\n" for n in ids)
    project.server.client().put_object(Bucket=project.bucket, Key=f"in/{name}", Body=body.encode())


def ids(project) -> list[int]:
    return [row["id"] for row in project.query("SELECT id FROM t.dropped ORDER BY id")]


def check_told(project) -> None:
    """An hour between two looks: what is found is found because of its event."""
    put(project, "a.csv", 1)
    running = Running(project)
    try:
        wait_for(lambda: "t.dropped" in project.call("tables", expect=None).stdout and ids(project) == [1])
        put(project, "b b+ü.csv", 2)
        wait_for(lambda: ids(project) == [1, 2])
        project.server.client().put_object(Bucket=project.bucket, Key="else/c.csv", Body=b"id\n9\n")
        put(project, "c.csv", 3, 4)
        put(project, "d.csv", 5)
        wait_for(lambda: ids(project) == [1, 2, 3, 4, 5])
    finally:
        running.end(signal.SIGTERM)
    project.run()
    assert ids(project) == [1, 2, 3, 4, 5]
    assert project.verify()["violations"] == []


def test_by_a_webhook_each_event_twice(tmp_path, server_with):
    port = free_port()
    url = f"http://127.0.0.1:{port}/events"
    forwarder = Forwarder(url)
    try:
        server = server_with("--event-webhook-url", forwarder.url)
        project = project_on(
            tmp_path, server, f"{{ http: {{ port: {port}, path: /events, bearer: right }} }}"
        )
        check_told(project)
        assert forwarder.answers.count(200) >= 6
    finally:
        forwarder.stop()


def test_by_kafka(tmp_path, server_with, broker):
    topic = f"events-{uuid.uuid4().hex[:8]}"
    broker.create(topic, 2)
    server = server_with("--event-kafka-url", broker.address, "--event-kafka-topic", topic)
    check_told(
        project_on(tmp_path, server, f'{{ kafka: {{ brokers: "{broker.address}", topic: {topic} }} }}')
    )


def test_by_amqp(tmp_path, server_with, rabbitmq):
    queue = f"events-{uuid.uuid4().hex[:8]}"
    rabbitmq.declare(queue)
    server = server_with("--event-rabbitmq-url", rabbitmq.url, "--event-rabbitmq-routing-key", queue)
    check_told(project_on(tmp_path, server, f"{{ amqp: {{ url: {rabbitmq.url}, queue: {queue} }} }}"))


def test_without_events_the_listing_finds_all(tmp_path, s3_server):
    port = free_port()
    project = project_on(tmp_path, s3_server, f"{{ http: {{ port: {port} }} }}", poll="100ms")
    running = Running(project)
    try:
        put(project, "a.csv", 1)
        wait_for(lambda: "t.dropped" in project.call("tables", expect=None).stdout and ids(project) == [1])
        # What is no event of ours changes nothing.
        for body in (b"", b"no json", b"[]", b'{"Records": 5}', b'{"Records": [{"s3": null}]}'):
            assert post(f"http://127.0.0.1:{port}/", body) == 200
        assert post(f"http://127.0.0.1:{port}/elsewhere", b"{}") == 404
        put(project, "b.csv", 2)
        wait_for(lambda: ids(project) == [1, 2])
    finally:
        running.end(signal.SIGTERM)
    assert project.verify()["violations"] == []


def test_a_wrong_token_is_refused(tmp_path, s3_server):
    port = free_port()
    project = project_on(tmp_path, s3_server, f"{{ http: {{ port: {port}, bearer: right }} }}")
    running = Running(project)
    try:
        wait_for(lambda: post(f"http://127.0.0.1:{port}/", b"{}") == 200)
        assert post(f"http://127.0.0.1:{port}/", b"{}", token="wrong") == 401
    finally:
        running.end(signal.SIGTERM)


@pytest.mark.parametrize(
    ("notify", "path", "told"),
    [
        ("{ http: { port: 1 }, amqp: { url: amqp://x, queue: q } }", "s3://b/in", "exactly one"),
        ("{ http: { port: 8081 } }", "in/*.csv", "s3://"),
        ("{ http: { port: 8081, host: 0.0.0.0 } }", "s3://b/in", "bearer"),
        ("{ http: { port: 8081, path: events } }", "s3://b/in", "path"),
        ("{ kafka: { brokers: 'localhost:9092', topic: 'a b' } }", "s3://b/in", "a b"),
    ],
)
def test_settings_that_make_no_sense(project, notify, path, told):
    text = PIPELINE.format(bucket="b", notify=notify, poll="1s").replace("s3://b/in/*.csv", path)
    project.pipeline("dropped", text)
    refused = project.call("validate", expect=78)
    assert told in refused.stdout + refused.stderr


def test_a_missing_topic_or_queue_is_said(tmp_path, s3_server, broker, rabbitmq):
    for notify in (
        f'{{ kafka: {{ brokers: "{broker.address}", topic: missing }} }}',
        f"{{ amqp: {{ url: {rabbitmq.url}, queue: missing }} }}",
    ):
        project = project_on(tmp_path / uuid.uuid4().hex, s3_server, notify)
        refused = project.call("validate", "--connect", expect=None)
        assert refused.returncode != 0 and "missing" in refused.stdout + refused.stderr
