"""Source `kafka` against a real broker, with confluent-kafka as the independent client.

Small by default; with CATCHWATER_DRILL_SEEDS set (tools/drill) a million records, twenty kills.
"""

import json
import os
import random
import signal
import sqlite3
import subprocess
import threading
import time
import uuid

import pytest
from conftest import PROGRAM

IS_DRILL = "CATCHWATER_DRILL_SEEDS" in os.environ
RECORDS = 1_000_000 if IS_DRILL else 20_000
KILLS = 20 if IS_DRILL else 2


def pipeline(broker_address: str, topic: str, source: str = "", columns: str = "") -> str:
    return f"""\
pipeline: events
source:
  kafka:
    brokers: "{broker_address}"
    topics: [{topic}]
{source}
codec: json
columns:
  id: int64
{columns}
lake:
  table: t.events
  flush: {{ every: 200ms }}
"""


def name_of(stem: str) -> str:
    return f"{stem}-{uuid.uuid4().hex[:8]}"


def records(first: int, behind: int) -> list[bytes]:
    return [b'{"id":%d,"text":"record number %d of many"}' % (i, i) for i in range(first, behind)]


def check_each_once(project, count: int) -> None:
    (row,) = project.query(
        "SELECT count(*) AS n, count(DISTINCT id) AS d, min(id) AS lo, max(id) AS hi FROM t.events"
    )
    assert row == {"n": count, "d": count, "lo": 0, "hi": count - 1}
    assert project.verify()["violations"] == []


def events_of(project, kind: str) -> list[dict]:
    with sqlite3.connect(f"file:{project.data}/ledger.sqlite?mode=ro", uri=True) as ledger:
        rows = ledger.execute("SELECT body FROM change_feed WHERE kind = ? ORDER BY seq", (kind,))
        return [json.loads(body) for (body,) in rows]


class Running:
    """The program, running without end."""

    def __init__(self, project, *more) -> None:
        self.log = open(project.folder / f"run-{uuid.uuid4().hex[:6]}.log", "wb")  # noqa: SIM115
        self.process = subprocess.Popen(
            [PROGRAM, "run", ".", *more],
            cwd=project.folder,
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
        )

    def end(self, how: int) -> int:
        self.process.send_signal(how)
        code = self.process.wait(120)
        self.log.close()
        return code


def wait_for(what, timeout=120.0) -> None:
    deadline = time.monotonic() + timeout
    while not what():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.2)


def test_each_record_once_over_kills_and_broker_restarts(project, own_broker) -> None:
    topic = name_of("kills")
    own_broker.create(topic, 3)
    project.pipeline("events", pipeline(own_broker.address, topic))
    seed = int(os.environ.get("CATCHWATER_DRILL_SEEDS", "1"))
    dice = random.Random(seed)

    def produce() -> None:
        step = RECORDS // 20
        for first in range(0, RECORDS, step):
            own_broker.produce(topic, records(first, first + step))

    producing = threading.Thread(target=produce)
    producing.start()
    for kill in range(KILLS):
        running = Running(project, "--no-maintenance")
        time.sleep(dice.uniform(0.5, 5.0))
        if IS_DRILL and kill in (KILLS // 3, 2 * KILLS // 3):
            own_broker.kill()
            own_broker.start()
        running.end(signal.SIGKILL)
    producing.join()
    project.run(timeout=600)
    check_each_once(project, RECORDS)
    # The group's offsets at the broker are set afterwards, for people who watch the lag.
    print(f"kills: {KILLS}, records: {RECORDS}, extra copies: 0, seed: {seed}")


def test_parts_of_the_message_become_columns(project, broker) -> None:
    topic = name_of("parts")
    broker.create(topic)
    producer = broker.producer()
    producer.produce(topic, b'{"id":0}', key=b"k0", headers=[("trace", b"a"), ("trace", b"b")])
    producer.produce(topic, b'{"id":1}', timestamp=1_767_225_600_123)
    producer.produce(topic, b'{"id":2}', key=b"\xff\xfe")
    producer.produce(topic, b"no json", key=b"k3")
    producer.produce(topic, None, key=b"k4")
    assert producer.flush(60) == 0
    project.pipeline(
        "events",
        pipeline(
            broker.address,
            topic,
            columns="  k: { type: string, from: key }\n"
            "  trace: { type: string, from: 'header[trace]' }\n"
            "  at: { type: timestamp, from: timestamp }\n"
            "  o: { type: int64, from: offset }\n"
            "  p: { type: int32, from: partition }\n"
            "  t: { type: string, from: topic }",
        ),
    )
    project.run()
    first, second = project.query("SELECT * FROM t.events ORDER BY id")
    assert (first["k"], first["trace"], first["o"], first["p"]) == ("k0", "b", 0, 0)
    assert first["t"] == topic
    assert (second["k"], second["trace"], second["o"]) == (None, None, 1)
    assert "2026-01-01" in second["at"] and ".123" in second["at"]
    dead = project.query("SELECT reason, rule FROM t.events__dead_letters ORDER BY frame_ordinal")
    assert len(dead) == 3, dead
    assert dead[0]["rule"] == "column.type" and "key" in dead[0]["reason"]
    assert project.verify()["violations"] == []


def test_aborted_transactions_are_not_read(project, broker) -> None:
    topic = name_of("transactions")
    broker.create(topic)
    producer = broker.producer(transactional_id=name_of("t"))
    producer.init_transactions(120)
    for first, is_good in [(0, True), (1000, False), (10, True), (2000, False)]:
        producer.begin_transaction()
        for value in records(first, first + 10):
            producer.produce(topic, value)
        if is_good:
            producer.commit_transaction(120)
        else:
            producer.abort_transaction(120)
    project.pipeline("events", pipeline(broker.address, topic))
    project.run()
    check_each_once(project, 20)
    project.run()  # The position stands behind the last mark: nothing is left, nothing comes twice.
    check_each_once(project, 20)


def test_a_topic_that_is_deleted_and_made_anew_is_noticed(project, broker) -> None:
    topic = name_of("anew")
    broker.create(topic)
    broker.produce(topic, records(0, 50))
    project.pipeline("events", pipeline(broker.address, topic, source="    start: latest"))
    project.run()
    assert project.value("SELECT count(*) FROM t.events") == 0
    broker.produce(topic, records(50, 60))
    running = Running(project)
    try:
        wait_for(lambda: project.value("SELECT count(*) FROM t.events") == 10)
        broker.delete(topic)
        time.sleep(1)
        broker.create(topic)
        # More than were read of the old one: offsets alone cannot tell the two apart.
        broker.produce(topic, records(1000, 1100))
        wait_for(lambda: project.value("SELECT count(*) FROM t.events") >= 110)
    finally:
        assert running.end(signal.SIGTERM) == 0
    counted = project.query("SELECT count(*) AS n, count(DISTINCT id) AS d FROM t.events")
    assert counted == [{"n": 110, "d": 110}]
    (event,) = events_of(project, "incarnation")
    assert event["partition"] == f"{topic}[0]"
    assert project.verify()["violations"] == []


@pytest.mark.parametrize("on_gap", ["fail", "skip"])
def test_a_gap_is_said(project, broker, on_gap) -> None:
    topic = name_of("gap")
    broker.create(topic)
    broker.produce(topic, records(0, 20))
    project.pipeline("events", pipeline(broker.address, topic, source=f"    on_gap: {on_gap}"))
    project.run()
    broker.produce(topic, records(20, 60))
    broker.delete_records(topic, before=45)
    if on_gap == "fail":
        done = project.run(expect=None)
        assert done.returncode != 0
        for word in ["25 records", f"{topic}[0]", "on_gap: skip", "position 20"]:
            assert word in done.stderr, done.stderr
        assert project.value("SELECT count(*) FROM t.events") == 20
        return
    project.run()
    assert project.query("SELECT count(*) AS n, max(id) AS hi FROM t.events") == [
        {"n": 35, "hi": 59}
    ]
    (event,) = events_of(project, "gap")
    assert (event["from"], event["to"], event["frames_lost"]) == (20, 60, 25), event
    assert project.verify()["violations"] == []


def test_where_reading_starts(project, broker) -> None:
    topic = name_of("start")
    broker.create(topic, retention_ms=-1)  # The records are older than what brokers keep.
    base = 1_767_225_600_000
    producer = broker.producer()
    for i in range(10):
        producer.produce(topic, b'{"id":%d}' % i, timestamp=base + i * 1000)
    assert producer.flush(60) == 0
    project.pipeline(
        "events", pipeline(broker.address, topic, source='    start: "2026-01-01T00:00:04Z"')
    )
    project.run()
    assert project.query("SELECT min(id) AS lo, count(*) AS n FROM t.events") == [
        {"lo": 4, "n": 6}
    ]


def test_three_processes_share_six_partitions(project, broker) -> None:
    topic = name_of("group")
    broker.create(topic, 6)
    project.pipeline(
        "events",
        pipeline(
            broker.address,
            topic,
            source="    membership: dynamic\n    properties: { session.timeout.ms: '6000' }",
        ),
    )
    count = RECORDS
    rounds = 20 if IS_DRILL else 4
    done = threading.Event()

    def produce() -> None:
        step = count // 20
        for first in range(0, count, step):
            broker.produce(topic, records(first, first + step))
            time.sleep(0.2)
        done.set()

    producing = threading.Thread(target=produce)
    producing.start()
    dice = random.Random(7)
    running = [Running(project, "--no-maintenance") for _ in range(3)]
    try:
        for number in range(rounds):
            time.sleep(dice.uniform(1.0, 3.0))
            # In good order and not, in turn.
            member = running.pop(dice.randrange(len(running)))
            code = member.end(signal.SIGKILL if number % 2 else signal.SIGTERM)
            assert code in (0, -signal.SIGKILL)
            running.append(Running(project, "--no-maintenance"))
        producing.join()
        wait_for(lambda: project.value("SELECT count(*) FROM t.events") >= count, 300)
    finally:
        for member in running:
            member.end(signal.SIGTERM)
    project.run(timeout=300)
    check_each_once(project, count)


BAD_SETTINGS = {
    "wrong_address": (
        lambda b: "127.0.0.1:1",
        "",
        {},
        ["brokers", "127.0.0.1:1"],
    ),
    "unknown_host": (lambda b: "no-such-host.invalid:9092", "", {}, ["brokers", "no-such-host"]),
    "tls_on_a_plain_port": (lambda b: b.address, "    tls: {}", {}, ["remove `tls`"]),
    "no_tls_on_a_tls_port": (lambda b: b.tls_address, "", {}, ["tls: {}"]),
    "certificate_not_trusted": (lambda b: b.tls_address, "    tls: {}", {}, ["tls.ca_file"]),
    "wrong_password": (
        lambda b: b.sasl_address,
        '    sasl: { mechanism: PLAIN, user: reader, password: "${KAFKA_PASSWORD}" }',
        {"KAFKA_PASSWORD": "canary-4711"},
        ["sasl.password"],
    ),
}


@pytest.mark.skipif(not IS_DRILL, reason="each case is tried again for a minute: make drill")
@pytest.mark.parametrize("case", BAD_SETTINGS)
def test_bad_settings_are_named(project, broker, case) -> None:
    address, source, env, words = BAD_SETTINGS[case]
    topic = name_of("bad")
    project.pipeline("events", pipeline(address(broker), topic, source=source))
    done = project.run(expect=None, env=env)
    assert done.returncode != 0
    for word in words:
        assert word in done.stderr, done.stderr
    everything = done.stdout + done.stderr
    assert "canary-4711" not in everything
    for file in project.data.rglob("*"):
        if file.is_file():
            assert b"canary-4711" not in file.read_bytes(), file


def test_good_security_settings_work(project, broker, monkeypatch) -> None:
    monkeypatch.setenv("KAFKA_PASSWORD", "right-password")  # Every verb reads the file.
    topic = name_of("secure")
    broker.create(topic)
    broker.produce(topic, records(0, 10))
    project.pipeline(
        "events",
        pipeline(
            broker.sasl_address,
            topic,
            source='    sasl: { mechanism: PLAIN, user: reader, password: "${KAFKA_PASSWORD}" }',
        ),
    )
    project.run()
    check_each_once(project, 10)
    # The same topic through TLS goes on where it stood.
    broker.produce(topic, records(10, 20))
    project.pipeline(
        "events",
        pipeline(broker.tls_address, topic, source=f"    tls: {{ ca_file: {broker.ca_file} }}"),
    )
    project.run()
    check_each_once(project, 20)


def test_a_missing_topic_is_refused_with_advice_or_made(project, broker) -> None:
    topic = name_of("missing")
    project.pipeline("events", pipeline(broker.address, topic))
    done = project.run(expect=None)
    assert done.returncode != 0
    assert topic in done.stderr and "create: true" in done.stderr
    project.pipeline(
        "events", pipeline(broker.address, topic, source="    create: true\n    partitions: 2")
    )
    project.run()
    assert len(broker.admin().list_topics(topic, timeout=30).topics[topic].partitions) == 2


def test_at_most_once_never_reads_again(project, broker) -> None:
    topic = name_of("once")
    broker.create(topic)
    broker.produce(topic, records(0, 500))
    project.pipeline("events", pipeline(broker.address, topic, source="    delivery: at_most_once"))
    project.run()
    check_each_once(project, 500)
    counted = project.value("SELECT count(*) FROM t.events")
    project.run()
    assert project.value("SELECT count(*) FROM t.events") == counted
