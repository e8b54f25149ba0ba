"""Results that go to a broker ahead of the commit that holds them: at once, and none is lost for it."""

import datetime
import json
import random
import time

import pytest
from test_reload import start, until  # noqa: F401
from test_windows import drop, readings

from live import Running

PIPELINE = """
pipeline: sensors
source:
  file: {{ path: "in/*.csv", watch: true, poll: 50ms, complete_after: 100ms, block_bytes: 64KiB }}
codec: csv
columns:
  ts: {{ type: timestamp, event_time: true }}
  sensor_id: {{ type: string, entity: true }}
  value: float64
lake:
  table: sensors.readings
  flush: {{ every: {flush} }}
streams:
  rows:
    key: [sensor_id]
    window: {{ count: 1 }}
    compute: {{ total: sum(value) }}
    late: {{ allow: 1s }}
    to:
      - table: sensors.rows
      - amqp: {{ url: "{url}", routing_key: {queue}, create: true, every: 10ms, before_commit: true }}
"""
REVISIONS = "SELECT count(*) FROM sensors.rows__revisions"


def send_early(project, rabbitmq, queue: str, flush: str) -> None:
    (project.folder / "in").mkdir()
    project.pipeline("sensors", PIPELINE.format(url=rabbitmq.url, queue=queue, flush=flush))
    rabbitmq.declare(queue)


def row_of(result: dict) -> tuple:
    end = datetime.datetime.fromisoformat(result["window_end"].removesuffix("Z"))
    return result["sensor_id"], end, result["total"]


def rows_of_table(project) -> set[tuple]:
    return {
        row_of(row) for row in project.query(
            "SELECT sensor_id, strftime(window_end AT TIME ZONE 'UTC', '%Y-%m-%d %H:%M:%S.%f') AS window_end, "
            "total FROM sensors.rows__revisions")
    }


def test_results_come_before_the_commit_and_not_behind_it_again(project, rabbitmq, start):  # noqa: F811
    send_early(project, rabbitmq, "early.once", flush="1h")
    run = start()
    drop(project, "a", readings(1, 5000, disorder_s=0))
    until(lambda: rabbitmq.count("early.once") > 4990, "results in the queue")  # The last wait for the watermark.
    assert project.value(REVISIONS) == 0, "nothing is committed yet"
    run.end()
    assert project.value(REVISIONS) == rabbitmq.count("early.once")
    run = start()  # The mark stands behind them.
    drop(project, "b", readings(2, 100, disorder_s=0, begin_s=1_000_000))
    until(lambda: rabbitmq.count("early.once") > 5090, "the next results")
    run.end()
    (sink,) = project.status("sensors")["sinks"]
    assert (sink["sink"], sink["files_behind"]) == ("rows-amqp", 0)
    assert project.value(REVISIONS) == rabbitmq.count("early.once") > 5090


@pytest.mark.parametrize("seed", [1])
def test_kills_lose_none_and_what_comes_again_has_the_same_id(project, rabbitmq, seed, request):
    chance = random.Random(seed)
    send_early(project, rabbitmq, "early.kills", flush="100ms")
    sent = 0
    for number in range(6):
        with Running(project) as running:
            deadline = time.monotonic() + 60
            drop(project, f"{number}", readings(number, 3000, disorder_s=0, begin_s=1_000_000 * number))
            while rabbitmq.count("early.kills") <= sent and time.monotonic() < deadline:
                time.sleep(0.01)
            time.sleep(chance.random() / 3)
            running.kill()
        sent = rabbitmq.count("early.kills")
    project.call("ledger", "retry", expect=None)
    project.run("--set", "source.file.watch=false")
    assert project.value("SELECT count(*) FROM sensors.readings") == 18_000
    messages = [(its.message_id, row_of(json.loads(body))) for _, its, body in rabbitmq.take_all("early.kills")]
    assert {row for _, row in messages} == rows_of_table(project)
    assert len(set(messages)) == len({row for _, row in messages}) > 10_000  # Of the rest some were late.
    print(f"{len(messages) - len(set(messages))} results came again")
    assert project.verify()["violations"] == []


def test_a_broker_that_is_down_gets_them_by_the_table(project, rabbitmq, start):  # noqa: F811
    send_early(project, rabbitmq, "early.down", flush="100ms")
    run = start()
    drop(project, "a", readings(1, 1000, disorder_s=0))
    until(lambda: rabbitmq.count("early.down") > 990, "the first results")
    rabbitmq.kill()
    drop(project, "b", readings(2, 1000, disorder_s=0, begin_s=1_000_000))
    run.has(f"SELECT ({REVISIONS}) > 1990", "true")
    rabbitmq.start()
    until(lambda: rabbitmq.count("early.down") > 1990, "what the broker missed")
    drop(project, "c", readings(3, 1000, disorder_s=0, begin_s=2_000_000))
    until(lambda: rabbitmq.count("early.down") > 2990, "the last results")
    run.end()
    rows = {row_of(json.loads(body)) for _, _, body in rabbitmq.take_all("early.down")}
    assert rows == rows_of_table(project)


def test_an_app_that_is_off_sends_nothing_early(project, rabbitmq, start):  # noqa: F811
    send_early(project, rabbitmq, "early.off", flush="1h")
    run = start()
    drop(project, "a", readings(1, 1000, disorder_s=0))
    until(lambda: rabbitmq.count("early.off") > 990, "the first results")
    project.call("app", "disable", "rows")
    sent = rabbitmq.count("early.off")
    drop(project, "b", readings(2, 1000, disorder_s=0, begin_s=1_000_000))
    run.has("SELECT count(*) FROM sensors.readings", "2000")
    assert rabbitmq.count("early.off") == sent
    project.call("app", "enable", "rows")
    drop(project, "c", readings(3, 1000, disorder_s=0, begin_s=2_000_000))
    run.has("SELECT count(*) FROM sensors.readings", "3000")
    run.end()
    rows = {row_of(json.loads(body)) for _, _, body in rabbitmq.take_all("early.off")}
    project.run("--set", "source.file.watch=false")
    rows |= {row_of(json.loads(body)) for _, _, body in rabbitmq.take_all("early.off")}
    assert rows == rows_of_table(project)
    assert len(rows) == 3000


def test_rows_of_a_table_are_sent_after_their_commit(project):
    text = PIPELINE.format(url="amqp://localhost", queue="q", flush="1s")
    text += 'sinks: [ { amqp: { url: "amqp://localhost", routing_key: rows, before_commit: true } } ]\n'
    (project.folder / "in").mkdir()
    project.pipeline("sensors", text)
    said = project.call("validate", expect=78).stderr
    assert "`before_commit` is of results of streams" in said and "leave it out" in said


def test_a_long_pause_between_results_does_not_delay_them(project, rabbitmq, start):  # noqa: F811
    send_early(project, rabbitmq, "early.pause", flush="1h")
    path = project.folder / "pipelines" / "sensors.yaml"
    path.write_text(path.read_text().replace("every: 10ms,", "every: 10ms, heartbeat: 2s,"))
    run = start()
    drop(project, "a", readings(1, 100, disorder_s=0))
    until(lambda: rabbitmq.count("early.pause") > 90, "the first results")
    time.sleep(10)  # The broker ends a connection that is silent for two heartbeats.
    drop(project, "b", readings(2, 100, disorder_s=0, begin_s=1_000_000))
    until(lambda: rabbitmq.count("early.pause") > 190, "results behind the pause", seconds=10)
    assert project.value(REVISIONS) == 0, "nothing is committed yet"
    run.end()
    assert project.value(REVISIONS) == rabbitmq.count("early.pause")


def test_results_that_come_whole_are_sent_after_their_commit(project):
    text = PIPELINE.format(url="amqp://localhost", queue="q", flush="1s")
    text = text.replace("window: {{ count: 1 }}".format(), "window: all").replace("    late: { allow: 1s }\n", "")
    (project.folder / "in").mkdir()
    project.pipeline("sensors", text)
    said = project.call("validate", expect=78).stderr
    assert "`window: all`" in said and "leave `before_commit` out" in said
