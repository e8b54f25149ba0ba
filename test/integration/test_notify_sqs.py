"""Source `file` on `s3://`, told of new objects through SQS: moto's server, which sends the events of
its buckets to its queues. It takes any signature, so botocore judges ours."""

import http.server
import json
import subprocess
import sys
import threading

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
from conftest import Project
from live import Running, wait_for
from ports import free_port

PIPELINE = """
pipeline: dropped
source:
  file:
    path: "s3://inbox/in/*.csv"
    watch: true
    poll: 1h
    notify: {{ sqs: {{ {sqs} }} }}
codec: csv
columns: {{ id: int64 }}
lake: {{ table: t.dropped, flush: {{ every: 100ms }} }}
"""
KEYS = "access_key_id: canary-id, secret_access_key: canary-sqs-secret"


class Aws:
    """S3 and SQS on one port."""

    def __init__(self, folder) -> None:
        port = free_port()
        self.endpoint = f"http://127.0.0.1:{port}"
        self.log = open(folder / "moto.log", "wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.s3, self.sqs = (self.client(name) for name in ("s3", "sqs"))
        wait_for(self.makes_queue, step=0.2)

    def client(self, name):
        return boto3.client(name, endpoint_url=self.endpoint, region_name="eu-west-1",
                            aws_access_key_id="k", aws_secret_access_key="s")

    def makes_queue(self) -> bool:
        try:
            self.queue = self.sqs.create_queue(QueueName="events")["QueueUrl"]
            return True
        except Exception:
            assert self.process.poll() is None, "moto's server has ended"
            return False

    def make_bucket(self) -> None:
        self.s3.create_bucket(
            Bucket="inbox", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        self.s3.put_bucket_notification_configuration(Bucket="inbox", NotificationConfiguration={
            "QueueConfigurations": [{"QueueArn": "arn:aws:sqs:eu-west-1:123456789012:events",
                                     "Events": ["s3:ObjectCreated:*"]}]})

    def waiting(self) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=names)["Attributes"]
        return sum(map(int, found.values()))

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()
        self.log.close()


@pytest.fixture(scope="module")
def aws(tmp_path_factory):
    one = Aws(tmp_path_factory.mktemp("aws"))
    one.make_bucket()
    yield one
    one.stop()


def project_on(project: Project, aws: Aws, sqs: str) -> Project:
    (project.folder / "catchwater.yaml").write_text(
        f"s3: {{ endpoint: '{aws.endpoint}', region: eu-west-1, access_key_id: k, secret_access_key: s }}\n")
    return project.pipeline("dropped", PIPELINE.format(sqs=sqs))


def ids(project) -> list[int]:
    if "t.dropped" not in project.call("tables", expect=None).stdout:
        return []
    return [row["id"] for row in project.query("SELECT id FROM t.dropped ORDER BY id")]


def test_events_are_taken_and_deleted(project, aws):
    """An hour between two looks: what is found is found because of its event."""
    project_on(project, aws, f'queue_url: "{aws.queue}", region: eu-west-1, {KEYS}')
    project.call("validate", "--connect", expect=None)
    aws.s3.put_object(Bucket="inbox", Key="in/a.csv", Body=b"id\n1\n")
    with Running(project) as running:
        wait_for(lambda: ids(project) == [1])
        aws.s3.put_object(Bucket="inbox", Key="else/x.csv", Body=b"id\n9\n")
        aws.s3.put_object(Bucket="inbox", Key="in/b b+ü.csv", Body=b"id\n2\n")
        wait_for(lambda: ids(project) == [1, 2])
        wait_for(lambda: aws.waiting() == 0)
        running.stop()
        assert "canary-sqs-secret" not in running.text()
    assert project.verify()["violations"] == []


class Recorder:
    """A queue that is empty for ever; keeps the first request."""

    def __init__(self, port: int = 0) -> None:
        self.requests: list = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.requests.append((dict(self.headers.items()), body))
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/123456789012/events"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def test_requests_are_signed_as_botocore_does(project, aws):
    recorder = Recorder()
    try:
        more = f'queue_url: "{recorder.url}", region: eu-west-1, session_token: canary-token, {KEYS}'
        project_on(project, aws, more)
        project.call("validate", "--connect", expect=None)
    finally:
        recorder.stop()
    headers, body = recorder.requests[0]
    assert headers["X-Amz-Target"] == "AmazonSQS.GetQueueAttributes"
    assert json.loads(body)["QueueUrl"] == recorder.url
    got = {name.lower(): value for name, value in headers.items()}
    names = got["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    request = botocore.awsrequest.AWSRequest(
        "POST", recorder.url.rsplit("/", 2)[0] + "/", {name: got[name] for name in names}, body)
    request.context["timestamp"] = got["x-amz-date"]
    judge = botocore.auth.SigV4Auth(
        botocore.credentials.Credentials("canary-id", "canary-sqs-secret", "canary-token"), "sqs", "eu-west-1")
    signed = judge.string_to_sign(request, judge.canonical_request(request))
    assert got["authorization"].endswith("Signature=" + judge.signature(signed, request))


def test_a_server_that_is_away_is_told(project, aws):
    port = free_port()
    url = f"http://127.0.0.1:{port}/123456789012/events"
    project_on(project, aws, f'queue_url: "{url}", {KEYS}')
    with Running(project) as running:
        wait_for(lambda: "Events of `notify` cannot be received" in running.text())
        recorder = Recorder(port)  # It comes, and is asked.
        try:
            wait_for(lambda: any(b"WaitTimeSeconds" in body for _, body in recorder.requests))
        finally:
            running.stop()
            recorder.stop()


@pytest.mark.parametrize(
    ("sqs", "told"),
    [
        ("queue_url: 'sqs.eu-west-1.amazonaws.com/1/q'", "queue_url"),
        ("queue_url: 'https://sqs.eu-west-1.amazonaws.com/'", "queue_url"),
        ("queue_url: 'https://user@sqs.eu-west-1.amazonaws.com/1/q'", "queue_url"),
        ("queue_url: 'https://sqs.eu-west-1.amazonaws.com/1/q', access_key_id: k", "go together"),
    ],
)
def test_settings_that_make_no_sense(project, sqs, told):
    project.pipeline("dropped", PIPELINE.format(sqs=sqs))
    refused = project.call("validate", expect=78)
    assert told in refused.stdout + refused.stderr


def test_a_missing_queue_is_said(project, aws):
    missing = aws.queue.replace("events", "missing")
    project_on(project, aws, f'queue_url: "{missing}", ca_file: "", {KEYS}')
    refused = project.call("validate", "--connect", expect=None)
    assert refused.returncode != 0 and "missing" in refused.stdout + refused.stderr
