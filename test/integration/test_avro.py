"""Codec `avro`: files that fastavro wrote, and messages with the schemas of a scripted registry."""

import datetime
import decimal
import http.server
import io
import json
import threading
import time

import fastavro
import pytest
import zstandard

from live import Running, wait_for
from mosquitto import Broker, broker  # noqa: F401  the fixture

UTC = datetime.timezone.utc
SCHEMA = {
    "type": "record",
    "name": "Order",
    "namespace": "shop",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "ts", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {
            "name": "amount",
            "type": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2},
        },
        {"name": "note", "type": ["null", "string"], "default": None},
        {
            "name": "customer",
            "type": {
                "type": "record",
                "name": "Customer",
                "fields": [
                    {"name": "name", "type": "string"},
                    {"name": "kind", "type": {"type": "enum", "name": "K", "symbols": ["A", "B"]}},
                ],
            },
        },
        {"name": "parts", "type": {"type": "array", "items": "int"}},
    ],
}
COLUMNS = """\
  id: { type: int64, required: true }
  ts: { type: timestamp, event_time: true }
  day: date
  amount: { type: decimal, precision: 12, scale: 2 }
  note: string
  customer: { type: string, from: customer.name }
  kind: { type: string, from: customer.kind }
  parts: string
"""


def order(n: int) -> dict:
    return {
        "id": n,
        "ts": datetime.datetime(2026, 1, 2, 3, 4, 5, 678, UTC) + datetime.timedelta(seconds=n),
        "day": datetime.date(1969, 12, 31) + datetime.timedelta(days=n),
        "amount": decimal.Decimal(n - 50).scaleb(-2),
        "note": None if n % 3 == 0 else f"note {n} é",
        "customer": {"name": f"customer {n % 7}", "kind": "AB"[n % 2]},
        "parts": list(range(n % 4)),
    }


def expected(n: int) -> tuple:
    one = order(n)
    return (
        n,
        one["day"].isoformat(),
        float(one["amount"]),
        one["note"],
        one["customer"]["name"],
        one["customer"]["kind"],
        one["parts"],
    )


def found(project, table="shop.orders") -> list[tuple]:
    rows = project.query(
        f"SELECT id, day, amount, note, customer, kind, parts FROM {table} ORDER BY id"
    )
    return [
        (
            row["id"],
            row["day"],
            float(row["amount"]),
            row["note"],
            row["customer"],
            row["kind"],
            json.loads(row["parts"]),
        )
        for row in rows
    ]


@pytest.mark.parametrize("codec", ["null", "deflate", "zstandard"])
def test_container_files_become_rows(project, codec, monkeypatch):
    def zstd(encoder, bytes_, level):
        packed = zstandard.ZstdCompressor().compress(bytes_)
        encoder.write_long(len(packed))
        encoder._fo.write(packed)

    orders = [order(n) for n in range(500)]
    with open(project.folder / "orders.avro", "wb") as file:
        if codec == "zstandard":  # fastavro asks for another library; the format is the same.
            monkeypatch.setitem(fastavro._write_py.BLOCK_WRITERS, "zstandard", zstd)
            fastavro._write_py.writer(file, SCHEMA, orders, codec=codec, sync_interval=2000)
        else:
            fastavro.writer(file, SCHEMA, orders, codec=codec, sync_interval=2000)
    project.pipeline(
        "orders",
        "pipeline: orders\nsource: { file: { path: '*.avro' } }\ncodec: avro\n"
        f"columns:\n{COLUMNS}lake: {{ table: shop.orders, partition: [month(ts)] }}\n",
    )
    project.run()
    assert found(project) == [expected(n) for n in range(500)]
    assert project.value("SELECT max(ts) FROM shop.orders").startswith("2026-01-02T03:12:24.000678")
    assert project.verify()["violations"] == []


def test_a_letter_of_a_file_is_replayed(project):
    with open(project.folder / "orders.avro", "wb") as file:
        fastavro.writer(file, SCHEMA, [order(n) for n in range(6)])
    text = (
        "pipeline: orders\nsource: { file: { path: '*.avro' } }\ncodec: avro\n"
        f"columns:\n{COLUMNS}lake: {{ table: shop.orders }}\n"
    )
    project.pipeline("orders", text.replace("  note: string", "  note: { type: string, required: true }"))
    project.run()
    assert [row[0] for row in found(project)] == [1, 2, 4, 5]
    project.pipeline("orders", text)
    project.call("dlq", "replay", "--pipeline", "orders")
    assert found(project) == [expected(n) for n in range(6)]
    assert project.verify()["violations"] == []


class SchemaServer:
    """`GET /schemas/ids/N` with a user and a password; counts what it is asked."""

    def __init__(self) -> None:
        self.schemas, self.asked, self.is_down = {}, [], False
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append(self.path)
                schema = outer.schemas.get(self.path.removeprefix("/schemas/ids/"))
                good = self.headers["Authorization"] == "Basic bWU6czNjcmV0"
                status = 503 if outer.is_down else 401 if not good else 200 if schema else 404
                body = json.dumps({"schema": json.dumps(schema)}).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def registry():
    server = SchemaServer()
    yield server
    server.server.shutdown()


def numbered(number: int, schema: dict, record: dict) -> bytes:
    out = io.BytesIO()
    out.write(b"\0" + number.to_bytes(4, "big"))
    fastavro.schemaless_writer(out, fastavro.parse_schema(json.loads(json.dumps(schema))), record)
    return out.getvalue()


def test_messages_are_read_by_the_schemas_of_a_registry(project, broker, registry, monkeypatch):
    # The second writer has a column less, one more, and another order.
    fields = SCHEMA["fields"]
    newer = {**SCHEMA, "fields": [{"name": "extra", "type": "int"}, *reversed(fields[:4]), *fields[5:]]}
    registry.schemas = {"7": SCHEMA, "8": newer}
    project.pipeline(
        "orders",
        f"""\
pipeline: orders
source:
  mqtt: {{ url: "{broker.url}", topics: [orders] }}
codec:
  avro: {{ registry: "{registry.url}", registry_user: me, registry_password: "${{REGISTRY_PASSWORD}}" }}
columns:
{COLUMNS}lake:
  table: shop.orders
  flush: {{ every: 200ms }}
""",
    )
    messages = [numbered(7, SCHEMA, order(n)) for n in range(10)]
    messages += [numbered(8, newer, {**order(n), "extra": 1}) for n in range(10, 20)]
    messages += [numbered(9, SCHEMA, order(20)), b"plain text"]

    def count():
        try:
            return project.value("SELECT count(*) FROM shop.orders")
        except AssertionError:
            return -1

    monkeypatch.setenv("REGISTRY_PASSWORD", "s3cret")
    registry.is_down = True
    with Running(project) as running:
        wait_for(lambda: count() >= 0 or running.process.poll() is not None)
        time.sleep(0.5)
        broker.publish([("orders", message) for message in messages])
        wait_for(lambda: registry.asked)
        registry.is_down = False  # What came meanwhile was kept.
        wait_for(lambda: count() == 20)
        assert running.stop() == 130
        assert "s3cret" not in running.text()
    rows = found(project)
    assert rows[:10] == [expected(n) for n in range(10)]
    assert rows[10:] == [(*expected(n)[:3], None, *expected(n)[4:]) for n in range(10, 20)]
    letters = project.query("SELECT rule, reason FROM shop.orders__dead_letters ORDER BY rule")
    assert [letter["rule"] for letter in letters] == ["avro.magic", "avro.schema"]
    assert "/schemas/ids/9" in letters[1]["reason"]
    assert project.verify()["violations"] == []
