"""Sink `mqtt` against Mosquitto, read by paho."""

import json
import time

import paho.mqtt.client as paho
import pytest

from live import Running, wait_for
from mosquitto import broker  # noqa: F401  the fixture

PIPELINE = """
pipeline: rooms
source: {{ file: {{ path: rows.ndjson }} }}
codec: json
columns:
  room: string
  ts:   {{ type: timestamp, event_time: true }}
  n:    int64
lake:
  table: demo.rooms
sinks:
  - mqtt: {{ url: "{url}", topic: "results/{{room}}", columns: [room, n], retain: {retain}{more} }}
"""


def rows(count: int) -> str:
    return "".join(
        json.dumps({"room": f"r{n % 3}", "ts": "2026-01-02T03:04:05Z", "n": n}) + "\n" for n in range(count)
    )


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_each_row_is_a_message_of_its_topic_with_an_id(project, broker, protocol):  # noqa: F811
    text = PIPELINE.format(url=broker.url, retain="false", more=f', protocol: "{protocol}"')
    project.pipeline("rooms", text)
    (project.folder / "rows.ndjson").write_text(rows(1200))
    got = []
    client = broker.client(protocol=paho.MQTTv5)
    client.on_message = lambda _client, _data, message: got.append(message)
    client.subscribe("results/#", qos=1)
    wait_for(lambda: client.is_connected())
    time.sleep(0.2)
    project.run()
    wait_for(lambda: len(got) >= 1200)
    client.disconnect()
    client.loop_stop()
    assert {message.qos for message in got} == {1}
    values = [json.loads(message.payload) for message in got]
    assert sorted(value["n"] for value in values) == list(range(1200))
    assert all(m.topic == f"results/{value['room']}" for m, value in zip(got, values))
    if protocol == "5":
        ids = [dict(message.properties.UserProperty)["catchwater-id"] for message in got]
        assert all("catchwater_id" not in value for value in values)
    else:
        ids = [value["catchwater_id"] for value in values]
    assert len(set(ids)) == 1200 and all(one.startswith("demo.rooms:") for one in ids), ids[0]


def test_a_broker_keeps_the_last_of_each_topic(project, broker):  # noqa: F811
    project.pipeline("rooms", PIPELINE.format(url=broker.url, retain="true", more=""))
    (project.folder / "rows.ndjson").write_text(rows(30))
    project.run()
    got = {}
    client = broker.client()
    client.on_message = lambda _client, _data, message: got.update({message.topic: json.loads(message.payload)["n"]})
    client.subscribe("results/#")
    wait_for(lambda: len(got) == 3)
    client.disconnect()
    client.loop_stop()
    assert got == {"results/r0": 27, "results/r1": 28, "results/r2": 29}


ALARMS = """
pipeline: rooms
source: {{ file: {{ path: "*.ndjson", watch: true, poll: 50ms, complete_after: 100ms }} }}
codec: json
columns:
  room: string
  ts:   {{ type: timestamp, event_time: true }}
  n:    int64
lake:
  table: demo.rooms
  flush: {{ every: 1h }}
streams:
  counts:
    key: [room]
    window: {{ count: 1 }}
    compute: {{ n: max(n) }}
    to: [ {{ mqtt: {{ url: "{url}", topic: results, every: 10ms, before_commit: true }} }} ]
"""


def test_a_long_pause_does_not_delay_what_is_sent_before_its_commit(project, broker):  # noqa: F811
    project.pipeline("rooms", ALARMS.format(url=broker.url))
    got = []
    client = broker.client()
    client.on_message = lambda _client, _data, message: got.append(json.loads(message.payload))
    client.subscribe("results", qos=1)
    with Running(project):
        (project.folder / "a.ndjson").write_text(rows(30))
        wait_for(lambda: len(got) > 0)
        time.sleep(60)  # The broker ends a connection that is silent for 45 s.
        begun = len(got)
        later = rows(30).replace("2026-01-02", "2026-02-02")
        (project.folder / "b.ndjson").write_text(later)
        wait_for(lambda: len(got) > begun)
    client.disconnect()
    client.loop_stop()
