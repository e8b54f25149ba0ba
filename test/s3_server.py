"""A real S3 server on loopback, a project whose lake lies in it, and a proxy that breaks things."""

import contextlib
import http.client
import http.server
import os
import pathlib
import socket
import subprocess
import threading
import time
import uuid

import boto3
import botocore.config

from conftest import ROOT, Project
from ports import free_port

SERVER = ROOT / ".deps" / "servers" / "versitygw"
KEY, SECRET = "drill-key", "canary-s3-secret"


class S3Server:
    """versitygw over a folder; objects are plain files in it."""

    def __init__(self, folder: pathlib.Path, *more: str) -> None:
        """more: further options of the server, e.g. where it sends its events."""
        assert SERVER.exists(), f"the S3 server is missing, run `tools/setup test`: {SERVER}"
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        for name in ("data", "iam"):
            (folder / name).mkdir(parents=True)
        self.folder, self.more = folder, more
        self.start()

    def start(self) -> None:
        self.log = open(self.folder / "server.log", "a", encoding="utf-8")
        self.process = subprocess.Popen(
            [
                SERVER,
                "--port",
                f"127.0.0.1:{self.port}",
                "--iam-dir",
                str(self.folder / "iam"),
                *self.more,
                "posix",
                str(self.folder / "data"),
            ],
            env={**os.environ, "ROOT_ACCESS_KEY": KEY, "ROOT_SECRET_KEY": SECRET},
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            assert self.process.poll() is None, (self.folder / "server.log").read_text()
            assert time.monotonic() < deadline, "the S3 server does not answer"
            time.sleep(0.05)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=30)
        self.log.close()

    def restart(self) -> None:
        self.stop()
        self.start()

    def client(self):
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
            region_name="us-east-1",
            config=botocore.config.Config(s3={"addressing_style": "path"}),
        )

    def new_bucket(self) -> str:
        name = f"bucket-{uuid.uuid4().hex[:12]}"
        self.client().create_bucket(Bucket=name)
        return name

    def keys(self, bucket: str, prefix: str = "") -> dict[str, int]:
        """Bytes by key."""
        pages = self.client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return {item["Key"]: item["Size"] for page in pages for item in page.get("Contents", [])}


SETTINGS = """
lake: s3://{bucket}/lake
s3:
  endpoint: {endpoint}
  access_key_id: "${{DRILL_S3_KEY}}"
  secret_access_key: "${{DRILL_S3_SECRET}}"
  retry_for: 20s
"""


class S3Project(Project):
    """A project whose lake lies in a bucket of its own."""

    def __init__(self, folder: pathlib.Path, server: S3Server, endpoint: str = "") -> None:
        super().__init__(folder)
        self.server = server
        self.bucket = server.new_bucket()
        self.use(endpoint or server.endpoint)

    def use(self, endpoint: str) -> None:
        os.environ.update(DRILL_S3_KEY=KEY, DRILL_S3_SECRET=SECRET)
        text = SETTINGS.format(bucket=self.bucket, endpoint=endpoint)
        (self.folder / "catchwater.yaml").write_text(text, encoding="utf-8")

    def keys(self, prefix: str = "lake/") -> dict[str, int]:
        return self.server.keys(self.bucket, prefix)


class BreakingProxy:
    """Passes requests on to the server, but for what `script(method, path, count)` says:

    "503": the server is not asked; "lost": it is asked, and the answer is thrown away; "cut": half
    of the answer's body is passed on; "hang": it is asked, the answer comes after the deadline.
    """

    def __init__(self, server: S3Server, script, hang_seconds: float = 3.0) -> None:
        self.injected: dict[str, int] = {}
        self.count = 0
        lock = threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                with lock:
                    outer.count += 1
                    fault = script(self.command, self.path, outer.count)
                    if fault:
                        outer.injected[fault] = outer.injected.get(fault, 0) + 1
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if fault == "503":
                    text = b"<Error><Code>SlowDown</Code><Message>scripted</Message></Error>"
                    self.reply(503, [], text)
                    return
                status, headers, data = self.ask(body)
                if fault == "lost":
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                elif fault == "hang":
                    time.sleep(hang_seconds)
                    self.close_connection = True
                elif fault == "cut" and len(data) > 1:
                    self.reply(status, headers, data, sent=len(data) // 2)
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                else:
                    self.reply(status, headers, data)

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = answer

            def ask(self, body: bytes):
                upstream = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
                upstream.putrequest(
                    self.command, self.path, skip_host=True, skip_accept_encoding=True
                )
                for name, value in self.headers.items():
                    # The signature covers the host that the client meant.
                    upstream.putheader(name, value)
                upstream.endheaders(body)
                answer = upstream.getresponse()
                data = answer.read()
                headers = [
                    (name, value)
                    for name, value in answer.getheaders()
                    if name.lower() not in ("connection", "transfer-encoding", "content-length")
                    or (name.lower() == "content-length" and self.command == "HEAD")
                ]
                upstream.close()
                return answer.status, headers, data

            def reply(self, status: int, headers, data: bytes, sent: int | None = None) -> None:
                self.send_response_only(status)
                for name, value in headers:
                    self.send_header(name, value)
                if self.command != "HEAD":
                    self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data if sent is None else data[:sent])
                self.wfile.flush()

            def log_message(self, *arguments) -> None:
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address) -> None:
                pass  # Connections that we cut.

        self.listener = Server(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self.listener.server_port}"
        self.thread = threading.Thread(target=self.listener.serve_forever, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        self.listener.shutdown()
        self.listener.server_close()
