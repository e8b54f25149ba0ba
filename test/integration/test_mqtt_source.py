"""Source `mqtt` against Mosquitto, with paho as the other client."""

import json
import subprocess
import time

import pytest

from live import Running, wait_for
from mosquitto import RARELY_SAVED, Broker, broker  # noqa: F401  the fixture

PIPELINE = """
pipeline: sensors
source:
  mqtt: {{ url: "{url}", topics: [{topics}]{more} }}
codec: json
columns:
  sensor_id:   {{ type: string, from: "topic[1]", entity: true }}
  id:          {{ type: int64, required: true }}
  ts:          {{ type: timestamp, event_time: true }}
  is_retained: {{ type: bool, from: retained }}
{columns}lake:
  table: demo.sensors
  flush: {{ every: {flush} }}
"""


def declare(project, url, topics='"sensors/+/measure"', more="", columns="", flush="200ms"):
    return project.pipeline(
        "sensors", PIPELINE.format(url=url, topics=topics, more=more, columns=columns, flush=flush)
    )


def message(number: int) -> tuple[str, str]:
    value = {"id": number, "ts": f"2026-01-02T03:04:{number % 60:02}Z"}
    return f"sensors/s{number % 7}/measure", json.dumps(value)


def count(project) -> int:
    try:
        return project.value("SELECT count(*) FROM demo.sensors")
    except AssertionError:
        return -1  # Not made yet.


def ids(project) -> list[int]:
    return [row["id"] for row in project.query("SELECT id FROM demo.sensors ORDER BY id")]


def ready(project, running):
    """The pipeline has its session: what is published from now on is kept."""
    wait_for(lambda: count(project) >= 0 or running.process.poll() is not None)
    time.sleep(0.5)


@pytest.mark.parametrize("protocol", ["3.1.1", "5"])
def test_topics_become_columns_and_nothing_is_lost_while_away(project, broker, protocol):
    declare(project, broker.url, more=f', protocol: "{protocol}"')
    with Running(project) as running:
        ready(project, running)
        broker.publish([message(n) for n in range(100)] + [("other/x/measure", "{}")])
        wait_for(lambda: count(project) == 100)
        assert running.stop() == 130
    broker.publish([message(n) for n in range(100, 150)])  # Nobody is there: the broker keeps them.
    broker.restart()
    project.run()
    # Without a key a message that the broker sends again is a row again.
    assert sorted(set(ids(project))) == list(range(150))
    found = project.query("SELECT DISTINCT sensor_id FROM demo.sensors ORDER BY 1")
    assert [row["sensor_id"] for row in found] == [f"s{n}" for n in range(7)]
    assert project.verify()["violations"] == []


def test_retained_messages_are_told_apart(project, broker):
    broker.publish([message(1)], retain=True)
    declare(project, broker.url, topics='"sensors/#"')
    with Running(project) as running:
        ready(project, running)
        broker.publish([message(2)], qos=0)
        wait_for(lambda: count(project) == 2)
        running.stop()
    found = project.query("SELECT id, is_retained FROM demo.sensors ORDER BY id")
    assert found == [{"id": 1, "is_retained": True}, {"id": 2, "is_retained": False}]


@pytest.mark.parametrize("step", ["spool.group_written", "spool.group_synced"])
def test_a_kill_between_receipt_and_acknowledgement_loses_nothing(project, broker, step):
    """Pins that the PUBACK leaves after the fsync: what was received before a kill is either synced
    or sent again by the broker. Without a word from us the broker has all of it in its queue."""
    declare(project, broker.url)
    with Running(project) as running:
        ready(project, running)
        running.stop()
    with Running(project, env={"CATCHWATER_FAIL_POINT": f"{step}@1=kill"}) as running:
        time.sleep(1)
        broker.publish([message(n) for n in range(50)])
        running.process.wait(30)
    project.run()
    found = ids(project)
    assert sorted(set(found)) == list(range(50))
    if step == "spool.group_written":
        # Not synced is not acknowledged: the whole group came again.
        assert len(found) >= 50
    assert project.verify()["violations"] == []


def test_a_full_spool_takes_nothing_twice_when_it_is_read_on(project, tmp_path):
    """The broker sends what was in flight at once, before it answers to SUBSCRIBE: more than there is
    room for. A message that is taken is acknowledged all the same."""
    broker = Broker(tmp_path / "broker", RARELY_SAVED)
    count, payload = 6_000, "x" * 16_000

    def declare_small(flush: str) -> None:
        declare(project, broker.url, more=", spool: { bytes_max: 64MiB }", flush=flush)
        file = project.folder / "pipelines/sensors.yaml"
        file.write_text(file.read_text().replace("\ncodec:", "\n  frame_bytes_max: 64KiB\ncodec:"))

    def spooled() -> int:
        files = (project.data / "spool").rglob("*")
        return sum(file.stat().st_size for file in files if file.is_file())

    try:
        declare_small("1h")
        with Running(project) as running:
            ready(project, running)
            broker.publish([(f"sensors/s{n % 7}/measure", json.dumps({"id": n, "pad": payload}))
                            for n in range(count)])
            wait_for(lambda: spooled() > 56 << 20)
            time.sleep(1)  # What there was room for is acknowledged.
            running.kill()
        declare_small("200ms")
        project.run()
    finally:
        broker.stop()
    assert ids(project) == list(range(count))
    assert project.verify()["violations"] == []


def test_at_most_once_needs_no_spool(project, broker):
    declare(project, broker.url, more=", delivery: at_most_once")
    with Running(project) as running:
        ready(project, running)
        time.sleep(0.5)
        broker.publish([message(n) for n in range(200)])
        wait_for(lambda: count(project) == 200)
        running.stop()
    assert not (project.data / "spool").exists()
    assert project.verify()["violations"] == []


def test_a_broker_that_comes_back_is_found_again(project, broker):
    declare(project, broker.url)
    with Running(project) as running:
        ready(project, running)
        broker.publish([message(n) for n in range(20)])
        wait_for(lambda: count(project) == 20)
        broker.restart()
        broker.publish([message(n) for n in range(20, 40)])
        wait_for(lambda: count(project) == 40)
        running.stop()
    assert ids(project) == list(range(40))


def test_a_replay_refuses_what_it_cannot_restore(project, broker):
    declare(project, broker.url)
    with Running(project) as running:
        ready(project, running)
        broker.publish([("sensors/s9/measure", '{"id": "x7", "ts": "2026-01-02T03:04:05Z"}')])
        wait_for(lambda: project.value("SELECT count(*) FROM demo.sensors__dead_letters") == 1)
        running.stop()
    done = project.call("dlq", "replay", expect=None)
    assert "topic[1]" in done.stdout + done.stderr
    assert count(project) == 0


def password_file(folder, user: str, password: str) -> str:
    path = folder / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(path), user, password], check=True,
                   capture_output=True)
    return str(path)


def test_wrong_settings_name_the_option_and_the_remedy(project, tmp_path):
    folder = tmp_path / "secure"
    folder.mkdir()
    broker = Broker(folder, f"allow_anonymous false\npassword_file {password_file(folder, 'u', 'right')}")
    try:
        env = {"PW": "wrong-canary"}
        declare(project, broker.url, more=', user: u, password: "${PW}"')
        done = project.call("run", ".", "--until-idle", expect=None, env=env)
        assert done.returncode != 0
        assert "source.mqtt.user" in done.stderr and "password" in done.stderr
        assert "wrong-canary" not in done.stderr + done.stdout
        done = project.call("run", ".", "--until-idle", expect=None, env={"PW": "right"})
        assert done.returncode == 0, done.stderr
    finally:
        broker.stop()
    declare(project, broker.url)  # Nobody listens there now.
    done = project.call("run", ".", "--until-idle", expect=None, timeout=120)
    assert done.returncode != 0
    assert "source.mqtt.url" in done.stderr and str(broker.port) in done.stderr
    declare(project, "mqtt://user:secret-canary@localhost")
    done = project.call("validate", ".", expect=None)
    assert done.returncode != 0 and "secret-canary" not in done.stderr + done.stdout


def test_tls_is_verified(project, tmp_path):
    folder = tmp_path / "tls"
    folder.mkdir()
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
         "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=folder, check=True, capture_output=True)
    broker = Broker(folder, f"allow_anonymous true\ncertfile {folder}/cert.pem\nkeyfile {folder}/key.pem")
    try:
        secure = f"mqtts://127.0.0.1:{broker.port}"
        declare(project, secure)
        done = project.call("run", ".", "--until-idle", expect=None, timeout=120)
        assert done.returncode != 0  # Nobody of the system's authorities signed it.
        declare(project, secure, more=f', tls: {{ ca: "{folder}/cert.pem" }}')
        project.run()
    finally:
        broker.stop()
