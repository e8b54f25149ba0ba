"""What the tests of the whole program share: it is run as a user runs it."""

import json
import os
import pathlib
import re
import signal
import subprocess

import duckdb
import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = pathlib.Path(os.environ.get("CATCHWATER", ROOT / "build" / "catchwater"))
SHARED = pathlib.Path(os.environ.get("CATCHWATER_SHARED_DATA", ROOT.parent / "shared" / "data"))

# A shell that starts the tests in the background has ctrl-C ignored, and programs inherit that: one
# that is stopped before it has its own handler would run for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)

ERROR_RECORD = re.compile(r'^(\S+ level=error |\{.*"level": ?"error")', re.MULTILINE)


class Project:
    """A project folder with pipelines, and the program run on it."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        (folder / "pipelines").mkdir(parents=True, exist_ok=True)

    def pipeline(self, name: str, text: str) -> "Project":
        (self.folder / "pipelines" / f"{name}.yaml").write_text(text, encoding="utf-8")
        return self

    def call(self, *arguments, timeout=120, env=None, expect=0, **more):
        done = subprocess.run(
            [PROGRAM, *map(str, arguments)],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            env={**os.environ, **(env or {})},
            check=False,
            **more,
        )
        if expect is not None:
            assert done.returncode == expect, (
                f"{arguments} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
            )
        # An error in the log means that a human must act: not in a run that is expected to be well.
        assert expect != 0 or not ERROR_RECORD.search(done.stderr), done.stderr
        return done

    def run(self, *more, **options):
        return self.call("run", ".", "--until-idle", *more, **options)

    def query(self, sql: str, *more) -> list[dict]:
        done = self.call("query", sql, "--format", "json", *more)
        return [json.loads(line) for line in done.stdout.splitlines() if line.strip()]

    def value(self, sql: str):
        (row,) = self.query(sql)
        (value,) = row.values()
        return value

    def status(self, pipeline: str) -> dict:
        reports = json.loads(self.call("status", "--json").stdout)
        return next(report for report in reports if report["pipeline"] == pipeline)

    def verify(self, expect=0) -> dict:
        done = self.call("verify", "--deep", "--json", expect=expect)
        return json.loads(done.stdout)

    @property
    def data(self) -> pathlib.Path:
        return self.folder / ".catchwater"


@pytest.fixture
def project(tmp_path) -> Project:
    return Project(tmp_path / "project")


@pytest.fixture
def recorded() -> pathlib.Path:
    """The folder of recorded data; absent outside of the development setting."""
    if not SHARED.is_dir():
        assert "CI" not in os.environ, f"CI must have the recorded data: {SHARED}"
        pytest.skip(f"no recorded data at {SHARED}")
    return SHARED


@pytest.fixture
def sql():
    with duckdb.connect() as connection:
        yield lambda text: connection.execute(text).fetchall()


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory):
    """A real S3 server, one for all tests of a run; every project has a bucket of its own."""
    from s3_server import S3Server

    server = S3Server(tmp_path_factory.mktemp("s3"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def broker(tmp_path_factory):
    from kafka_broker import Broker

    one = Broker(tmp_path_factory.mktemp("kafka") / "broker").start()
    yield one
    one.stop()


@pytest.fixture
def own_broker(tmp_path):
    """A broker of one test, which may kill it."""
    from kafka_broker import Broker

    one = Broker(tmp_path / "broker").start()
    yield one
    one.stop()


@pytest.fixture(scope="session")
def rabbitmq(tmp_path_factory):
    from rabbitmq import RabbitMq

    one = RabbitMq(tmp_path_factory.mktemp("rabbitmq") / "broker")
    yield one
    one.close()


@pytest.fixture
def own_rabbitmq(tmp_path):
    """A broker of one test, which may kill it."""
    from rabbitmq import RabbitMq

    one = RabbitMq(tmp_path / "rabbitmq")
    yield one
    one.close()
