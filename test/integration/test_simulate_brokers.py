"""`catchwater simulate --to`: the made-up records at a broker, read by independent clients."""

import collections
import json
import re
import time

import pytest
from live import wait_for
from mosquitto import broker as mosquitto  # noqa: F401  the fixture
from test_amqp import name_of

ROWS = 5_000


@pytest.fixture
def wanted(project) -> collections.Counter:
    text = project.call("simulate", "--rows", ROWS, "--sensors", "20", "--seed", "3").stdout
    return collections.Counter(text.splitlines())


def send(project, *arguments, rows=ROWS, **options) -> int:
    done = project.call(
        "simulate", "--rows", rows, "--sensors", "20", "--seed", "3", *arguments, **options
    )
    return int(re.search(r"sent (\d+) records", done.stderr)[1])


def test_kafka_in_parallel_with_keys_and_ids(project, broker, wanted):
    topic = name_of("simulated")
    sent = send(project, "--to", f"kafka://{broker.address}", "--topic", topic, "--create",
                "--workers", "4")
    messages = broker.read_all(topic)
    assert sent == len(messages) == wanted.total()
    assert collections.Counter(m.value().decode() for m in messages) == wanted
    assert len({dict(m.headers())["catchwater-id"] for m in messages}) == sent
    # Of one sensor in order of time.
    times = collections.defaultdict(list)
    for message in messages:
        record = json.loads(message.value())
        assert message.key().decode() == record["sensor_id"]
        times[record["sensor_id"]].append(record["ts"])
    assert all(series == sorted(series) for series in times.values())


def test_mqtt_with_the_sensor_in_the_topic(project, mosquitto, wanted):  # noqa: F811
    got = []
    client = mosquitto.client()
    client.on_message = lambda _client, _data, message: got.append((message.topic, message.payload))
    client.subscribe("sensors/+/measure", qos=1)
    time.sleep(0.2)
    sent = send(project, "--to", mosquitto.url, "--topic", "sensors/{sensor_id}/measure",
                "--workers", "2")
    wait_for(lambda: len(got) >= sent)
    client.disconnect()
    client.loop_stop()
    assert collections.Counter(payload.decode() for _, payload in got) == wanted
    assert all(topic == f"sensors/{json.loads(payload)['sensor_id']}/measure" for topic, payload in got)


def test_amqp_queue_and_exchange(project, rabbitmq, wanted):
    queue, exchange = name_of("simulated"), name_of("exchange")
    sent = send(project, "--to", rabbitmq.url, "--topic", queue, "--create", "--workers", "2")
    messages = rabbitmq.take_all(queue)
    assert sent == len(messages) == wanted.total()
    assert collections.Counter(body.decode() for _, _, body in messages) == wanted
    assert len({properties.message_id for _, properties, _ in messages}) == sent
    with rabbitmq.connect() as connection:
        channel = connection.channel()
        channel.exchange_declare(exchange, "topic", durable=True)
        channel.queue_bind(queue, exchange, "#")
    send(project, "--to", rabbitmq.url, "--topic", "s.{sensor_id}", "--exchange", exchange, rows=100)
    for method, _, body in rabbitmq.take_all(queue):
        assert method.routing_key == "s." + json.loads(body)["sensor_id"]


def test_a_rate_is_kept_over_all_workers(project, broker):
    topic = name_of("rate")
    broker.create(topic)
    begun = time.monotonic()
    sent = send(project, "--to", f"kafka://{broker.address}", "--topic", topic,
                "--workers", "3", "--rate", "500", rows=1_000)
    seconds = time.monotonic() - begun
    assert sent == 1_000 and 1.8 <= seconds <= 6, seconds


def test_users_and_certificates(project, rabbitmq):
    queue = name_of("secure")
    rabbitmq.declare(queue)
    arguments = ("--to", rabbitmq.tls_url, "--topic", queue, "--user", "guest",
                 "--password-env", "BROKER_PASSWORD", "--ca", rabbitmq.ca_file)
    assert send(project, *arguments, rows=50, env={"BROKER_PASSWORD": "guest"}) > 0
    refused = project.call("simulate", *arguments, expect=None,
                           env={"BROKER_PASSWORD": "canary-4711"})
    assert refused.returncode != 0 and "`password`" in refused.stderr
    assert "canary" not in refused.stdout + refused.stderr


@pytest.mark.parametrize(
    "arguments,word",
    [
        (["--to", "http://x", "--topic", "t"], "kafka://"),
        (["--to", "kafka://127.0.0.1:1"], "--topic"),
        (["--to", "kafka://127.0.0.1:1", "--topic", "t", "--exchange", "x"], "--exchange"),
        (["--to", "amqp://127.0.0.1:1", "--topic", "t"], "`url`"),
        (["--to", "amqp://h", "--topic", "t", "--user", "u", "--password-env", "NOT_SET"], "NOT_SET"),
    ],
)
def test_what_is_wrong_is_said(project, arguments, word):
    done = project.call("simulate", *arguments, expect=None)
    assert done.returncode != 0 and word in done.stderr, done.stderr
