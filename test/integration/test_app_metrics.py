"""What stream apps tell of themselves: in `app status`, to Prometheus, on a control queue, in a table."""

import json
import uuid

import pytest
from test_apps import WATCHED, drop, readings
from test_reload import start, until  # noqa: F401
from test_telemetry import samples
from test_tenants import Tenant

PIPELINE = """
pipeline: sensors
source:
  amqp: {{ url: "{url}", queues: [{queue}], create: true }}
codec: {{ csv: {{ header: false }} }}
columns:
  ts: {{ type: timestamp, event_time: true }}
  sensor_id: {{ type: string, entity: true }}
  value: float64
lake:
  table: sensors.readings
  flush: {{ every: 50ms }}
streams:
  minutes:
    key: [sensor_id]
    window: {{ size: 1m }}
    compute: {{ total: sum(value) }}
    late: {{ allow: 1m }}
    to: [ {{ table: sensors.minutes }} ]
  totals:
    window: all
    compute: {{ n: count() }}
    to: [ {{ table: sensors.totals }} ]
control:
  - {{ tenant: acme, apps: [minutes], amqp: {{ url: "{url}", queue: {queue}.control, create: true }} }}
app_metrics: {{ every: 1s }}
"""
SENT = 1_767_225_600
LAST = "SELECT * FROM sensors.readings__app_metrics WHERE app = 'minutes' ORDER BY measured_at DESC LIMIT 1"


def live(project, app: str) -> dict:
    done = project.call("app", "status", app, "--json", expect=None)
    return (json.loads(done.stdout)[0]["running"] or {}) if done.returncode == 0 else {}


def messages() -> list[tuple[bytes, dict]]:
    """Ten minutes of readings, one that is late and two that cannot be read. The first was enqueued
    a hundred seconds after all others: however they are cut into blocks, they come behind it."""
    lines = [f"2026-01-01T00:0{minute}:00Z,S1,{minute}.5\n" for minute in range(10)]
    lines += ["2026-01-01T00:00:30Z,S1,1\n", "2026-01-01T00:09:00Z,S1,warm\n", "broken\n"]
    return [(line.encode(), {"timestamp": SENT + (0 if number else 100)})
            for number, line in enumerate(lines)]


@pytest.fixture
def sensors(project, rabbitmq):
    queue = f"metrics.{uuid.uuid4().hex[:8]}"
    project.queue = queue
    return project.pipeline("sensors", PIPELINE.format(url=rabbitmq.url, queue=queue))


def test_all_outputs_tell_the_same(sensors, rabbitmq, start):  # noqa: F811
    sent = messages()
    for queue in (sensors.queue, f"{sensors.queue}.control"):
        rabbitmq.declare(queue)
    rabbitmq.publish(sensors.queue, sent)
    run = start()
    until(lambda: live(sensors, "minutes").get("rows_in") == 11, "11 rows in", 60)
    until(lambda: live(sensors, "minutes")["response_s_max"] > 0, "results are committed", 60)
    told = live(sensors, "minutes")
    expected = {
        "rows_in": 11,
        "results": 8,  # The watermark is at eight minutes past.
        "rows_with_result": 8,
        "input_bytes": sum(len(body) for body, _ in sent),
        "deserialization_errors": 1,
        "conversion_errors": 1,
        "out_of_order": 1,
        "dropped_rows": 1,
        "errors": 0,
        "queue_delay_s_max": 100,
        "queue_delay_by": "enqueue_time",
        "dropped": {"10m": 1},
    }
    assert {name: told[name] for name in expected} == expected
    assert 0 < told["response_s"] <= told["response_s_max"]
    assert live(sensors, "totals")["rows_with_result"] == 11

    acme = Tenant(rabbitmq, f"{sensors.queue}.control")
    (one,) = acme.ask(do="metrics")["apps"]
    assert one["metrics"] | {"app": "minutes"} == told
    assert acme.ask(do="nothing")["ok"] is False
    acme.connection.close()

    def last_row() -> dict:
        rows = sensors.query(LAST) if sensors.call("query", LAST, expect=None).returncode == 0 else []
        return rows[0] if rows else {"response_s_max": 0}

    until(lambda: last_row()["response_s_max"] == told["response_s_max"], "a row of the table", 60)
    row = last_row()
    assert row["pipeline"] == "sensors" and row["measured_at"] > row["since"]
    assert json.loads(row["dropped"]) == told["dropped"]
    for name in told.keys() - {"app", "dropped"}:
        assert row[name] == pytest.approx(told[name]) if name != "queue_delay_by" else told[name]

    found = samples(sensors.call("status", "--metrics").stdout)
    of_minutes = 'pipeline="sensors",app="minutes"'
    for name, value in (
        ("app_input_bytes_total", expected["input_bytes"]),
        ("app_deserialization_errors_total", 1),
        ("app_conversion_errors_total", 1),
        ("app_records_with_result_total", 8),
    ):
        assert found["catchwater_" + name, of_minutes] == value
    by = of_minutes + ',by="enqueue_time"'
    assert found["catchwater_app_queue_delay_seconds_max", by] == 100
    assert found["catchwater_app_response_seconds_count", of_minutes] >= 1
    for outcome in ("done", "refused"):
        labels = f'pipeline="sensors",tenant="acme",outcome="{outcome}"'
        assert found["catchwater_control_requests_total", labels] == 1
    text = sensors.call("app", "status", "minutes").stdout
    assert "delay in the queue (enqueue_time)" in text and "rows that led to a result 8" in text
    run.end()


def test_the_table_has_a_row_at_the_end_of_each_run(project):
    (project.folder / "in").mkdir()
    project.pipeline("sensors", WATCHED + "app_metrics: { table: sensors.metrics, retain: 90d }\n")
    for seed in (1, 2):
        drop(project, f"r{seed}", readings(seed, 500, disorder_s=60, begin_s=2000 * seed))
        project.run("--set", "source.file.watch=false")
        rows = project.query("SELECT app, rows_in, since FROM sensors.metrics ORDER BY since, app")
        assert len(rows) == 4 * seed  # Four apps; a minute is longer than the run.
        # What is counted is counted from the start of the program.
        assert {row["rows_in"] for row in rows} == {500}
        assert len({row["since"] for row in rows}) == seed
    assert project.verify()["violations"] == []


def test_without_times_of_messages_the_delay_is_depth_over_rate(project, start):  # noqa: F811
    (project.folder / "in").mkdir()
    project.pipeline("sensors", WATCHED)
    run = start()
    seeds = iter(range(10_000))

    def is_told() -> bool:
        seed = next(seeds)
        drop(project, f"r{seed}", readings(seed, 100, disorder_s=60, begin_s=200 * seed))
        return live(project, "minutes").get("queue_delay_by") == "depth_over_rate"

    until(is_told, "a delay by depth over rate", 60)
    assert live(project, "minutes")["queue_delay_s"] >= 0
    run.end()


def test_a_table_of_its_own(project):
    (project.folder / "in").mkdir()
    for wrong, said in (
        ("app_metrics: { table: sensors.minutes }\n", "holds nothing else"),
        ("app_metrics: { every: 1ms }\n", "every"),
        ("app_metrics: { table: metrics }\n", "namespace.name"),
    ):
        project.pipeline("sensors", WATCHED + wrong)
        done = project.call("validate", expect=None)
        assert done.returncode == 78 and said in done.stderr + done.stdout, done.stderr


def test_kafkas_timestamps_tell_the_delay_in_the_queue(project, broker, start):  # noqa: F811
    topic = f"metrics-{uuid.uuid4().hex[:8]}"
    broker.create(topic)
    producer = broker.producer()
    for number, (body, properties) in enumerate(messages()):
        producer.produce(topic, body, partition=0, timestamp=1000 * properties["timestamp"] + number)
    assert producer.flush(30) == 0
    text = PIPELINE[: PIPELINE.index("control:")].format(url="", queue="")
    source = f'kafka: {{ brokers: "{broker.address}", topics: [{topic}] }}'
    text = "\n".join(f"  {source}" if line.startswith("  amqp:") else line for line in text.splitlines())
    project.pipeline("sensors", text + "\n")
    run = start()
    until(lambda: live(project, "minutes").get("rows_in") == 11, "11 rows in", 60)
    told = live(project, "minutes")
    # The first record was made a hundred seconds after the second one.
    assert told["queue_delay_by"] == "enqueue_time"
    assert told["queue_delay_s_max"] == pytest.approx(100, abs=0.1)
    assert (told["deserialization_errors"], told["conversion_errors"], told["out_of_order"]) == (1, 1, 1)
    run.end()
