"""Source `http_push`, with clients that are not ours: requests, http.client, curl, raw sockets."""

import gzip
import json
import socket
import subprocess
import time

import pytest
import requests

from live import DRILL, Producer, Running, ndjson, record, wait_for
from ports import free_port

PIPELINE = """
pipeline: push
source:
  http_push: {{ port: {port}, path: /readings{more} }}
codec: {codec}
columns:
  id:          {{ type: int64, required: true }}
  ts:          {{ type: timestamp, event_time: true }}
  temperature: float64
{columns}lake:
  table: demo.push
  flush: {{ every: {flush} }}
"""


@pytest.fixture
def port() -> int:
    return free_port()


def declare(project, port, more="", codec="json", columns="", flush="200ms"):
    return project.pipeline(
        "push",
        PIPELINE.format(port=port, more=more, codec=codec, columns=columns, flush=flush),
    )


def url(port) -> str:
    return f"http://127.0.0.1:{port}/readings"


def rows(project) -> list[int]:
    return [row["id"] for row in project.query("SELECT id FROM demo.push ORDER BY id")]


def test_bodies_of_all_kinds_become_rows(project, port):
    declare(project, port, columns="  station: {type: string, from: 'header[X-Station]'}\n"
                                   "  room: {type: string, from: 'query[room]'}\n")
    with Running(project).wait_for_port(port) as running:
        post = lambda data, **more: requests.post(url(port), data=data, timeout=10, **more)
        assert post(ndjson([1, 2]), headers={"X-Station": "roof"}).status_code == 202
        assert post(ndjson([3])[:-1], params={"room": "a b"}).status_code == 202
        assert post(json.dumps([record(4), record(5)])).status_code == 202
        assert post(json.dumps(record(6), indent=2)).status_code == 202
        zipped = post(gzip.compress(ndjson([7, 8])), headers={"Content-Encoding": "gzip"})
        assert zipped.status_code == 202
        assert post(ndjson([9]) + b"{oops\n" + ndjson([10])).status_code == 202
        assert running.stop() == 130
    project.run()
    assert rows(project) == list(range(1, 11))
    found = project.query("SELECT id, station, room FROM demo.push WHERE id IN (1, 2, 3) ORDER BY id")
    assert found == [
        {"id": 1, "station": "roof", "room": None},
        {"id": 2, "station": "roof", "room": None},
        {"id": 3, "station": None, "room": "a b"},
    ]
    assert project.value("SELECT count(*) FROM demo.push__dead_letters") == 1
    assert project.verify()["violations"] == []


def test_csv_bodies_have_headers_of_their_own(project, port):
    declare(project, port, codec="csv")
    with Running(project).wait_for_port(port) as running:
        curl = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--data-binary", "@-", url(port)]
        for body in (
            "id,ts,temperature\n1,2026-01-02T03:04:05Z,1.5\n2,2026-01-02T03:04:06Z,2.5\n",
            "temperature,ts,id\r\n3.5,2026-01-02T03:04:07Z,3",
            'id,ts,temperature\n4,2026-01-02T03:04:08Z,"4.5\n',
            "id,ts,temperature\n5,2026-01-02T03:04:09Z,5.5\n",
        ):
            done = subprocess.run(curl, input=body.encode(), capture_output=True, timeout=30)
            assert done.stdout == b"202", done.stderr
        refused = requests.post(url(port), data="a,b\n1,2\n", timeout=10)
        assert refused.status_code == 400
        assert "id" in refused.json()["detail"]
        running.stop()
    project.run()
    assert rows(project) == [1, 2, 3, 5]
    assert project.value("SELECT count(*) FROM demo.push__dead_letters") == 1
    assert project.verify()["violations"] == []


def test_what_is_refused_says_why(project, port):
    declare(project, port, more=', body_bytes_max: 4KiB, auth: { bearer: "${PUSH_TOKEN}" }')
    good = {"Authorization": "bearer s3cr3t-token"}
    env = {"PUSH_TOKEN": "s3cr3t-token"}
    with Running(project, env=env).wait_for_port(port) as running:
        ask = lambda method="POST", path="/readings", data=ndjson([1]), **headers: requests.request(
            method, f"http://127.0.0.1:{port}{path}", data=data, headers=headers, timeout=10
        )
        cases = {
            "no token": (ask(), 401),
            "another token": (ask(Authorization="Bearer nonsense"), 401),
            "another path": (ask(path="/other", **good), 404),
            "another method": (ask("PUT", **good), 405),
            "empty": (ask(data=b" \n", **good), 400),
            "empty array": (ask(data=b"[]", **good), 400),
            "no gzip": (ask(**good, **{"Content-Encoding": "gzip"}), 400),
            "unknown encoding": (ask(**good, **{"Content-Encoding": "br"}), 415),
            "too large": (ask(data=b"x" * 5000, **good), 413),
            "a bomb": (
                ask(data=gzip.compress(b" " * 4_000_000, 9)[:4000], **good,
                    **{"Content-Encoding": "gzip"}), 413),
            "long key": (ask(**good, **{"Idempotency-Key": "k" * 300}), 400),
            "long header": (ask(**good, **{"X-Long": "h" * 40_000}), 431),
        }
        for name, (answer, status) in cases.items():
            assert answer.status_code == status, (name, answer.status_code, answer.text)
            problem = answer.json()
            assert answer.headers["Content-Type"] == "application/problem+json", name
            assert problem["status"] == status and problem["title"] and problem["detail"], name
        assert cases["no token"][0].headers["WWW-Authenticate"] == "Bearer"
        assert cases["another method"][0].headers["Allow"] == "POST"
        assert ask(**good).status_code == 202
        running.stop()
        assert "s3cr3t" not in running.text()
    project.run(env=env)
    found = project.call("query", "SELECT id FROM demo.push", "--format", "json", env=env)
    assert json.loads(found.stdout) == {"id": 1}


def test_a_key_is_stored_once_also_after_a_kill(project, port):
    declare(project, port)
    send = lambda numbers, key: requests.post(
        url(port), data=ndjson(numbers), headers={"Idempotency-Key": key}, timeout=10
    ).status_code
    with Running(project).wait_for_port(port) as running:
        assert send([1, 2], "a") == 202
        assert send([1, 2], "a") == 200
        assert send([3], "a") == 422
        running.kill()  # The records are in the spool, perhaps not in the table.
    with Running(project).wait_for_port(port) as running:
        assert send([1, 2], "a") == 200
        wait_for(lambda: rows(project) == [1, 2])
        time.sleep(0.5)  # The commit lets go of the records; the key stays.
        running.kill()
    with Running(project).wait_for_port(port) as running:
        assert send([1, 2], "a") == 200
        assert send([3], "b") == 202
        running.stop()
    project.run()
    assert rows(project) == [1, 2, 3]
    assert project.verify()["violations"] == []


@pytest.mark.parametrize("step", ["spool.group_written", "spool.group_synced",
                                  "spool.segment_created"])
def test_a_kill_around_the_fsync_never_loses_what_was_answered(project, port, step):
    declare(project, port)
    with Running(project, env={"CATCHWATER_FAIL_POINT": f"{step}@1=kill"}).wait_for_port(port):
        with pytest.raises(requests.ConnectionError):
            for _ in range(100):
                requests.post(url(port), data=ndjson([1]), headers={"Idempotency-Key": "k"}, timeout=10)
    with Running(project).wait_for_port(port) as running:
        answer = requests.post(url(port), data=ndjson([1]), headers={"Idempotency-Key": "k"}, timeout=10)
        assert answer.status_code in (200, 202)
        running.stop()
    project.run()
    assert rows(project) == [1]


def test_a_flood_is_told_to_wait_and_loses_nothing(project, port):
    """Far more than is committed in time: 429, memory under the ceiling, nothing lost."""
    declare(project, port, more=", body_bytes_max: 64KiB, spool: { bytes_max: 1MiB }", flush="1s")
    count = 300_000 if DRILL else 30_000
    parts = [range(i, i + 300) for i in range(0, count, 300)]
    with Running(project).wait_for_port(port) as running:
        producers = [Producer(port, parts[i::8]) for i in range(8)]
        for producer in producers:
            producer.start()
        for producer in producers:
            producer.join()
        memory = running.memory_peak()
        running.stop()
    project.run()
    print(f"{sum(p.throttled for p in producers)} times 429, peak {memory >> 20} MiB")
    assert sum(p.throttled for p in producers) > 0
    assert memory < 512 << 20
    assert project.query("SELECT count(*) AS n, count(DISTINCT id) AS d FROM demo.push") == [
        {"n": count, "d": count}
    ]
    assert project.verify()["violations"] == []


def test_slow_and_idle_clients_do_not_hold_the_others(project, port):
    declare(project, port, more=", timeout: 6s, connections_max: 20")
    with Running(project).wait_for_port(port) as running:
        slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(15)]
        for connection in slow:
            connection.sendall(b"POST /readings HTTP/1.1\r\nHost: x\r\nContent-Le")
        started = time.monotonic()
        assert requests.post(url(port), data=ndjson([1]), timeout=10).status_code == 202
        assert time.monotonic() - started < 1.5
        more = [socket.create_connection(("127.0.0.1", port)) for _ in range(10)]
        refused = [connection for connection in more if b"503" in first_bytes(connection)]
        assert len(refused) >= 4
        for connection in slow:  # Each is told, or cut off.
            connection.settimeout(10)
            while connection.recv(4096):
                pass
        for connection in slow + more:
            connection.close()
        assert requests.post(url(port), data=ndjson([2]), timeout=10).status_code == 202
        running.stop()


def first_bytes(connection) -> bytes:
    connection.settimeout(0.3)
    try:
        return connection.recv(100)
    except TimeoutError:
        return b""


@pytest.mark.parametrize("raw", [
    b"GARBAGE\r\n\r\n",
    b"POST /readings HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /readings HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    b"POST /readings HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
    b"POST /readings HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\n",
])
def test_malformed_requests_store_nothing(project, port, raw):
    declare(project, port)
    with Running(project).wait_for_port(port) as running:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(raw)
            connection.settimeout(15)
            answer = connection.recv(4096)
        assert answer == b"" or b" 400 " in answer.split(b"\r\n")[0], answer
        assert requests.post(url(port), data=ndjson([1]), timeout=10).status_code == 202
        running.stop()
    project.run()
    assert rows(project) == [1]


def test_tls_serves_https_and_refuses_old_versions(project, port):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
         "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=project.folder, check=True, capture_output=True,
    )
    declare(project, port, more=", tls: { certificate: cert.pem, key: key.pem }")
    with Running(project).wait_for_port(port) as running:
        secure = f"https://127.0.0.1:{port}/readings"
        answer = requests.post(secure, data=ndjson([1]), verify=str(project.folder / "cert.pem"), timeout=10)
        assert answer.status_code == 202
        old = subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
            input=b"", capture_output=True, timeout=30)
        assert b"Cipher is (NONE)" in old.stdout or old.returncode != 0
        running.stop()
    project.run()
    assert rows(project) == [1]


def test_settings_that_cannot_work_are_said_at_once(project, port):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", port))
        holder.listen()
        declare(project, port)
        done = project.call("run", ".", "--until-idle", expect=None)
        assert done.returncode != 0
        assert f"127.0.0.1:{port}" in done.stderr and "http_push" in done.stderr
    declare(project, port, more=", tls: { certificate: nowhere.pem, key: nowhere.pem }")
    done = project.call("run", ".", "--until-idle", expect=None)
    assert done.returncode != 0 and "nowhere.pem" in done.stderr
    declare(project, port, more=", host: 0.0.0.0")
    done = project.call("validate", ".", expect=None)
    assert done.returncode != 0 and "anonymous" in done.stderr + done.stdout
