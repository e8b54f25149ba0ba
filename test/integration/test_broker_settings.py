"""`validate --connect` and `run` against brokers that refuse: the setting, its place, what to do."""

import subprocess

import pytest
from live import DRILL
from mosquitto import Broker as Mosquitto
from ports import free_port

CANARY = "canary-4711"

PIPELINE = """\
pipeline: events
source: {{ {source} }}
codec: json
columns: {{ id: int64, ts: {{ type: timestamp, event_time: true }} }}
lake: {{ table: t.events }}
sinks:
  - {sink}
"""
SOURCES = {
    "kafka": 'kafka: {{ brokers: "{at}", topics: [{name}]{more} }}',
    "mqtt": 'mqtt: {{ url: "{at}", topics: [{name}]{more} }}',
    "amqp": 'amqp: {{ url: "{at}", queues: [{name}]{more} }}',
}
SINKS = {
    "kafka": 'kafka: {{ brokers: "{at}", topic: {name}{more} }}',
    "mqtt": 'mqtt: {{ url: "{at}", topic: {name}{more} }}',
    "amqp": 'amqp: {{ url: "{at}", routing_key: {name}{more} }}',
}
USER = ', user: reader, password: "${BROKER_PASSWORD}"'
SASL = ', sasl: { mechanism: PLAIN, user: reader, password: "${BROKER_PASSWORD}" }'


@pytest.fixture(scope="module")
def mosquitto(tmp_path_factory):
    """With a user, and a second port for TLS."""
    folder = tmp_path_factory.mktemp("mosquitto") / "broker"
    folder.mkdir()
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
        + ["-keyout", folder / "key.pem", "-out", folder / "ca.pem", "-subj", "/CN=localhost"]
        + ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"],
        check=True,
        stderr=subprocess.DEVNULL,
    )
    subprocess.run(
        ["mosquitto_passwd", "-b", "-c", folder / "passwords", "reader", "right-password"],
        check=True,
    )
    tls_port = free_port()
    settings = (
        f"allow_anonymous false\npassword_file {folder}/passwords\nlistener {tls_port} 127.0.0.1\n"
        f"cafile {folder}/ca.pem\ncertfile {folder}/ca.pem\nkeyfile {folder}/key.pem"
    )
    one = Mosquitto(folder, settings)
    one.tls_url = f"mqtts://127.0.0.1:{tls_port}"
    yield one
    one.stop()


CASES = {
    ("kafka", "wrong password"): (lambda b: b.sasl_address, SASL, ["sasl.password"]),
    ("kafka", "unknown host"): (lambda b: "no-such-host.invalid:9092", "", ["`brokers`"]),
    ("kafka", "missing topic"): (lambda b: b.address, "", ["absent", "create: true"]),
    ("kafka", "TLS on a plain port"): (lambda b: b.address, ", tls: {}", ["remove `tls`"]),
    ("kafka", "no TLS on a TLS port"): (lambda b: b.tls_address, "", ["tls: {}"]),
    ("kafka", "certificate not trusted"): (lambda b: b.tls_address, ", tls: {}", ["tls.ca_file"]),
    ("mqtt", "wrong password"): (lambda b: b.url, USER, ["password"]),
    ("mqtt", "unknown host"): (lambda b: "mqtt://no-such-host.invalid", "", ["url`"]),
    ("mqtt", "TLS on a plain port"): (lambda b: b.url.replace("mqtt:", "mqtts:"), "", ["url`"]),
    ("mqtt", "no TLS on a TLS port"): (lambda b: b.tls_url.replace("mqtts:", "mqtt:"), "", ["url`"]),
    ("mqtt", "certificate not trusted"): (lambda b: b.tls_url, USER, ["url`"]),
    ("amqp", "wrong password"): (lambda b: b.url, USER, ["`user`", "`password`"]),
    ("amqp", "unknown host"): (lambda b: "amqp://no-such-host.invalid", "", ["`url`"]),
    ("amqp", "nobody listens"): (lambda b: "amqp://127.0.0.1:1", "", ["`url`"]),
    ("amqp", "missing queue"): (lambda b: b.url, "", ["absent", "create: true"]),
    ("amqp", "unknown virtual host"): (lambda b: b.url + "/nowhere", "", ["virtual host", "nowhere"]),
    ("amqp", "TLS on a plain port"): (lambda b: b.url.replace("amqp:", "amqps:"), "", ["`amqp://`"]),
    ("amqp", "no TLS on a TLS port"): (
        lambda b: b.tls_url.replace("amqps:", "amqp:"), "", ["`amqps://`"],
    ),
    ("amqp", "certificate not trusted"): (lambda b: b.tls_url, "", ["`tls.ca`"]),
}


def names_the_setting(project, request, case, verb: list[str], sink: str | None = None) -> str:
    """What the verb says of the pipeline of the case; sink: instead of one of the same system."""
    system, _ = case
    fixture = {"kafka": "broker", "mqtt": "mosquitto", "amqp": "rabbitmq"}[system]
    at, more, words = CASES[case]
    place = {"at": at(request.getfixturevalue(fixture)), "name": "absent", "more": more}
    sink = sink or SINKS[system].format(**place)
    project.pipeline("events", PIPELINE.format(source=SOURCES[system].format(**place), sink=sink))
    done = project.call(*verb, expect=None, env={"BROKER_PASSWORD": CANARY}, timeout=120)
    said = done.stdout + done.stderr
    assert done.returncode != 0, said
    for word in words:
        assert word in said, said
    assert CANARY not in said
    return said


@pytest.mark.parametrize("case", CASES, ids=lambda case: " ".join(case))
def test_a_check_names_the_setting_and_the_remedy(project, request, case):
    said = names_the_setting(project, request, case, ["validate", "--connect"])
    system, _ = case
    for kind in ("source", "sink"):
        assert f"{kind} `{system}`" in said, said
    assert "events.yaml:" in said  # The place.


# What a broker refuses is told at once; who is not there is tried for a while.
REFUSED = {"wrong password", "missing topic", "missing queue", "unknown virtual host", "certificate not trusted"}
RUN_CASES = [case for case in CASES if DRILL or case[1] in REFUSED]


@pytest.mark.parametrize("case", RUN_CASES, ids=lambda case: " ".join(case))
def test_a_run_names_the_setting_and_the_remedy(project, request, case):
    assert "events" in names_the_setting(project, request, case, ["run", "--until-idle"], "console: {}")
