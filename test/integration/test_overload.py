"""Brokers that bring ten times what a pipeline can take: its memory stays under the ceiling, the broker
keeps what is not taken, and all of it is there afterwards. A minute in `make drill`, seconds by default.

The pipeline is made slow by a step that computes for milliseconds a row, in one lane. How much it takes
is measured first, alone; the flood is counted against that. HTTP, where senders are told to wait, is in
test_http_push.py.
"""

import json
import random
import threading
import time

import pytest
from confluent_kafka import Consumer, TopicPartition

from live import DRILL, Running, wait_for
from mosquitto import RARELY_SAVED, Broker as Mosquitto

SECONDS = 60 if DRILL else 4
TIMES = 10
CEILING = 512 << 20  # What the program promises.
PROJECT = "memory: { queues: 1MiB, arrow: 16MiB, writer: 16MiB, parquet: 16MiB, sql: 32MiB }\n"
PIPELINE = """
pipeline: events
source:
  SOURCE
codec: json
columns:
  id:  { type: int64, required: true }
  pad: string
STEPSlake:
  table: t.events
  flush: { every: 200ms }
"""
SLOW = "steps:\n  - select: levenshtein(left(pad, 1500), repeat('ab', 900)) >= 0\n"


class Flood(threading.Thread):
    """Publishes ids from `first` on at a rate for a time; `publish` ends when the broker has them."""

    def __init__(self, publish, first: int, a_second: float, seconds: float, pad_bytes: int) -> None:
        super().__init__(daemon=True)
        self.publish, self.first, self.pad_bytes = publish, first, pad_bytes
        self.a_second, self.seconds = a_second, seconds
        self.behind, self.failure = first, None

    def run(self) -> None:
        try:
            started = time.monotonic()
            while (passed := time.monotonic() - started) < self.seconds:
                due = self.first + int(passed * self.a_second)
                if due > self.behind:
                    self.publish(messages(self.behind, due, self.pad_bytes))
                    self.behind = due
                time.sleep(0.05)
            self.seconds = time.monotonic() - started
        except BaseException as error:
            self.failure = error


def messages(first: int, behind: int, pad_bytes: int) -> list[bytes]:
    """Of bytes that do not compress well: what the lake has and merges is as much."""
    pads = (random.randbytes(pad_bytes // 2).hex() for _ in range(first, behind))
    return [json.dumps({"id": n, "pad": pad}).encode() for n, pad in zip(range(first, behind), pads)]


def rows(project) -> int:
    try:
        return project.value("SELECT count(*) FROM t.events")
    except AssertionError:
        return 0  # Not made yet.


def use(project, source: str, steps: str) -> None:
    (project.folder / "catchwater.yaml").write_text(PROJECT)
    project.pipeline("events", PIPELINE.replace("SOURCE", source).replace("STEPS", steps))


def capacity_of(project, source: str, publish, count: int, pad_bytes: int) -> float:
    """Rows a second that the slow pipeline takes when nobody disturbs it."""
    use(project, source, SLOW)
    with Running(project, "--lanes", "1") as running:
        wait_for(lambda: (project.data / "control.sock").exists())
        time.sleep(0.5)
        publish(messages(0, count, pad_bytes))
        started = time.monotonic()
        before = rows(project)
        wait_for(lambda: rows(project) == count, 120, 0.01)
        took = time.monotonic() - started
        assert running.stop() == 130
    return (count - before) / took


def flood(project, source, publish, depth, pad_bytes=4_000, extra_bytes=0, more=1.5) -> None:
    """depth(behind): messages below that id that the broker has and the pipeline did not take.
    extra_bytes: of the spool. more: to be on the safe side of ten times."""
    first = 120
    capacity = capacity_of(project, source, publish, first, pad_bytes)
    a_second = max(more * TIMES * capacity, extra_bytes * 2 / pad_bytes / SECONDS)
    with Running(project, "--lanes", "1") as running:
        sender = Flood(publish, first, a_second, SECONDS, pad_bytes)
        sender.start()
        sender.join()
        assert sender.failure is None, sender.failure
        taken, waiting = rows(project) - first, depth(sender.behind)
        memory = running.memory_peak()
        sent = sender.behind - first
        rate = sent / sender.seconds
        print(f"capacity {capacity:.0f} rows/s; {rate:.0f} messages/s of {pad_bytes} bytes "
              f"for {sender.seconds:.0f} s, {rate / capacity:.0f} times as many; "
              f"{taken} taken, {waiting} wait at the broker, peak {memory >> 20} MiB")
        assert running.stop(120) == 130  # What was read is committed; the rest stays where it is.
    assert rate >= TIMES * max(capacity, taken / sender.seconds)
    assert waiting >= (sent * pad_bytes - extra_bytes) / pad_bytes / 2
    assert memory < CEILING
    use(project, source, "")
    project.run(timeout=600)
    (found,) = project.query(
        "SELECT count(*) AS n, count(DISTINCT id) AS d, max(id) AS last FROM t.events"
    )
    print(f"{found['n'] - found['d']} extra copies")
    assert (found["d"], found["last"]) == (sender.behind, sender.behind - 1)
    assert found["n"] == found["d"]
    assert project.verify()["violations"] == []


def test_merging_long_rows_stays_under_the_ceiling(project):
    """What a flood brings is merged when there is time: 300 MB of long rows, with the usual budgets."""
    count = 75_000
    (project.folder / "in").mkdir()
    with open(project.folder / "in/a.json", "wb") as file:
        for first in range(0, count, 1_000):
            file.write(b"\n".join(messages(first, first + 1_000, 4_000)) + b"\n")
    project.pipeline("events", PIPELINE.replace("SOURCE", "file: in/a.json").replace("STEPS", ""))
    with Running(project, "--until-idle") as running:
        peak = running.memory_peak_at_end()
    print(f"peak {peak >> 20} MiB")
    assert running.process.returncode == 0 and "merged" in running.text(), running.text()
    assert 0 < peak < CEILING
    assert rows(project) == count
    assert project.verify()["violations"] == []


def test_kafka(project, broker):
    broker.create("flood", 3)

    def lag(_behind: int) -> int:
        """As the broker knows it: the ends of its partitions and what the group has said."""
        consumer = Consumer({"bootstrap.servers": broker.address, "group.id": "catchwater-events"})
        try:
            parts = [TopicPartition("flood", number) for number in range(3)]
            said = consumer.committed(parts, timeout=30)
            ends = [consumer.get_watermark_offsets(part, timeout=30)[1] for part in parts]
            return sum(end - max(0, part.offset) for end, part in zip(ends, said, strict=True))
        finally:
            consumer.close()

    source = f'kafka: {{ brokers: "{broker.address}", topics: [flood] }}'
    # The SQL engine computes large blocks with all cores, and the few rows of the measurement with one.
    flood(project, source, lambda values: broker.produce("flood", values), lag, more=4)


@pytest.mark.parametrize("kind", ["classic", "quorum", "stream"])
def test_amqp(project, own_rabbitmq, kind):
    own_rabbitmq.declare("flood", kind)

    def publish(values) -> None:
        own_rabbitmq.publish("flood", ((value, {}) for value in values), is_stream=kind == "stream")

    def depth(behind: int) -> int:
        return behind - rows(project) if kind == "stream" else own_rabbitmq.count("flood")

    source = f'amqp: {{ url: "{own_rabbitmq.url}", queues: [flood], type: {kind}, prefetch: 1000 }}'
    flood(project, source, publish, depth)


def test_mqtt(project, tmp_path):
    """What is acknowledged is on our disk: the broker keeps what comes when the spool is full."""
    broker = Mosquitto(tmp_path / "broker", f"{RARELY_SAVED}\nsys_interval 1")
    try:
        client = broker.client()

        def publish(values) -> None:
            sent = [client.publish("flood/x", value, qos=1) for value in values]
            for one in sent:
                one.wait_for_publish(60)
                assert one.is_published()

        stored = []
        watcher = broker.client()
        watcher.on_message = lambda _client, _data, message: stored.append(int(message.payload))
        watcher.subscribe("$SYS/broker/store/messages/count")

        def depth(_behind: int) -> int:
            seen = len(stored)
            wait_for(lambda: len(stored) > seen + 1)
            return stored[-1]

        source = f'mqtt: {{ url: "{broker.url}", topics: [flood/+], spool: {{ bytes_max: 64MiB }} }}'
        flood(project, source, publish, depth, pad_bytes=16_000, extra_bytes=64 << 20, more=2.5)
    finally:
        for one in (client, watcher):
            one.disconnect()
            one.loop_stop()
        broker.stop()
