"""Sink `amqp` against RabbitMQ, read by pika. What it keeps to under kills: test_sink_kills.py."""

import json
import threading
import time

import pika
import pytest
from live import Running, wait_for
from test_amqp import name_of

PIPELINE = """\
pipeline: readings
source:
  simulate: {{ sensors: 20, rows: {rows}, seed: 11 }}
codec: json
columns:
  sensor_id:   {{ type: string, entity: true }}
  ts:          {{ type: timestamp, event_time: true }}
  temperature: float64
lake:
  table: t.readings
  flush: {{ every: 100ms, bytes: 256KiB }}
sinks:
  - amqp: {{ url: "{url}", routing_key: "{key}", every: 50ms{more} }}
"""


def declare(project, url, key, more="", rows=20_000):
    if more:
        more = ", " + more
    project.pipeline("readings", PIPELINE.format(url=url, key=key, more=more, rows=rows))


def test_an_exchange_gets_each_row_under_its_key(project, rabbitmq):
    queue, exchange = name_of("bound"), name_of("rooms")
    rabbitmq.declare(queue)
    with rabbitmq.connect() as connection:
        channel = connection.channel()
        channel.exchange_declare(exchange, "topic", durable=True)
        channel.queue_bind(queue, exchange, "sensor.sensor-001")
    more = f"exchange: {exchange}, mandatory: false, columns: [ts, sensor_id], persistent: false"
    declare(project, rabbitmq.url, "sensor.{sensor_id}", more, rows=200)
    project.run()
    messages = rabbitmq.take_all(queue)
    sensors = {json.loads(body)["sensor_id"] for _, _, body in messages}
    all_sensors = {row["s"] for row in project.query("SELECT DISTINCT sensor_id AS s FROM t.readings")}
    assert len(sensors) <= 1 and sensors <= all_sensors
    wanted = project.value("SELECT count(*) FROM t.readings WHERE sensor_id = 'sensor-001'")
    assert len(messages) == wanted
    assert all(method.routing_key == "sensor.sensor-001" for method, _, _ in messages)
    assert all(properties.delivery_mode == 1 for _, properties, _ in messages)
    if messages:
        assert list(json.loads(messages[0][2])) == ["ts", "sensor_id"]


def test_a_result_queue_is_made_as_it_is_declared(project, rabbitmq):
    """A stream app's results for a tenant: a quorum queue whose refused messages are kept."""
    queue, dead = name_of("results"), name_of("dead")
    rabbitmq.declare(dead)
    wanted = {"x-queue-type": "quorum", "x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead}
    arguments = ", ".join(f'{name}: "{value}"' for name, value in wanted.items() if name != "x-queue-type")
    app = f"""
streams:
  minutes:
    key: [sensor_id]
    window: {{ size: 10m }}
    compute: {{ n: count() }}
    to:
      - amqp:
          url: "{rabbitmq.url}"
          routing_key: {queue}
          create: true
          queue_type: quorum
          queue_arguments: {{ {arguments} }}
"""
    text = PIPELINE.format(url="", key="", more="", rows=500).split("sinks:")[0] + app
    project.pipeline("readings", text)
    project.call("validate", "--connect")
    project.run()
    with rabbitmq.connect() as connection:
        channel = connection.channel()
        # The broker refuses to declare it again but as it is.
        declared = channel.queue_declare(queue, durable=True, arguments=wanted)
        with pytest.raises(pika.exceptions.ChannelClosedByBroker):
            connection.channel().queue_declare(queue, durable=True, arguments={"x-queue-type": "classic"})
        assert declared.method.message_count > 0
        method, _, body = channel.basic_get(queue)
        channel.basic_reject(method.delivery_tag, requeue=False)
    messages = rabbitmq.take_all(queue)
    wait_for(lambda: rabbitmq.count(dead) == 1)
    rows = [json.loads(one) for one in (body, *(message[2] for message in messages))]
    assert sum(row["n"] for row in rows) == project.value("SELECT count(*) FROM t.readings") == 500


def test_a_full_queue_is_named_and_gets_the_rest_when_it_is_read(project, rabbitmq):
    queue = name_of("full")
    with rabbitmq.connect() as connection:
        limits = {"x-max-length": 1000, "x-overflow": "reject-publish"}
        connection.channel().queue_declare(queue, durable=True, arguments=limits)
    declare(project, rabbitmq.url, queue, "timeout: 1s", rows=5000)
    done = project.call("run", "--until-idle", expect=None, timeout=120)
    assert done.returncode != 0
    for word in ("sink `readings/amqp`", queue, "x-max-length"):
        assert word in done.stderr, done.stderr
    (sink,) = project.status("readings")["sinks"]
    assert queue in sink["last_error"] and sink["rows_behind"] > 0
    seen: list[str] = []

    def are_all_seen() -> bool:  # Somebody reads it.
        seen.extend(properties.message_id for _, properties, _ in rabbitmq.take_all(queue))
        return len(set(seen)) == 5000

    with Running(project):
        wait_for(are_all_seen, timeout=120)
    assert project.value("SELECT count(*) FROM t.readings") == 5000
    assert len(seen) <= 5000 + 1000 * 5  # What the tries at first got rid of; no more came twice.


def test_a_full_queue_that_is_read_slowly_does_not_hold_up_a_stop(project, rabbitmq):
    queue, is_over = name_of("slow"), threading.Event()
    limits = {"x-max-length": 100, "x-overflow": "reject-publish"}
    with rabbitmq.connect() as connection:
        connection.channel().queue_declare(queue, durable=True, arguments=limits)
    declare(project, rabbitmq.url, queue, rows=5000)

    def read_slowly() -> None:
        with rabbitmq.connect() as connection:
            channel = connection.channel()
            while not is_over.is_set():
                channel.basic_get(queue, auto_ack=True)
                connection.sleep(0.2)

    reader = threading.Thread(target=read_slowly)
    reader.start()
    try:
        with Running(project) as running:
            wait_for(lambda: rabbitmq.count(queue) > 90)
            time.sleep(3)  # Now it waits for room.
            running.process.terminate()
            assert running.process.wait(timeout=20) == 0, running.text()
    finally:
        is_over.set()
        reader.join()


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("queue_type: quorum", "create: true"),
        ("create: true, exchange: rooms, queue_arguments: { x-max-length: 5 }", "without `exchange`"),
        ("create: true, queue_arguments: { x-queue-type: quorum }", "queue_type"),
        ("create: true, queue_type: lazy", "lazy"),
    ],
)
def test_a_queue_that_is_not_made_is_not_described(project, more, told):
    declare(project, "amqp://localhost", "results", more)
    refused = project.call("validate", expect=78)
    assert told in refused.stdout + refused.stderr


def test_a_missing_queue_or_binding_blocks_the_sink_and_not_the_table(project, rabbitmq):
    queue = name_of("absent")
    declare(project, rabbitmq.url, queue, rows=100)
    checked = project.call("validate", "--connect", expect=None)
    assert checked.returncode != 0 and queue in checked.stderr and "create: true" in checked.stderr
    done = project.run(expect=None)
    assert project.value("SELECT count(*) FROM t.readings") == 100
    assert queue in done.stdout + done.stderr + project.call("status", expect=None).stdout
    # An exchange that nobody listens to.
    declare(project, rabbitmq.url, "nobody", f"exchange: {queue}, create: true, name: other", 100)
    done = project.run(expect=None)
    said = done.stdout + done.stderr + project.call("status", expect=None).stdout
    assert "No queue gets the message" in said, said
