#!/usr/bin/env python3
"""A tenant's side: sends the lines of a CSV file to its queue and prints what comes back.

    client.py TENANT LINES.csv [--url amqp://guest:guest@localhost:5672] [--expect N]

One line is one message. Results (schemas BTSAlarmEvent and BTSAlarmAlert) come from the queues
TENANT.events and TENANT.alerts; it ends when nothing came for a while, or after N results.
"""

import argparse
import json
import pathlib
import sys

import pika

QUIET_SECONDS = 10


def send(channel, tenant: str, file: pathlib.Path) -> int:
    lines = file.read_text(encoding="utf-8").splitlines()
    if lines and lines[0].startswith("station_id,"):
        lines = lines[1:]
    for number, line in enumerate(lines):
        properties = pika.BasicProperties(message_id=f"{file.name}:{number}", delivery_mode=2)
        channel.basic_publish("", f"{tenant}.readings", line.encode(), properties)
    return len(lines)


def text_of(result: dict) -> str:
    sensor = result["station_id"] + (f"/{result['datapoint_id']}" if result["datapoint_id"] else "")
    lead = result.get("lead_time_s")
    ahead = f" in {lead / 60:.0f} min" if lead is not None and result["state"] != "cleared" else ""
    return f"{result['at']} {result['state']:8} {result['kind']}{ahead} {sensor}: {result['why']}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tenant")
    parser.add_argument("lines", type=pathlib.Path)
    parser.add_argument("--url", default="amqp://guest:guest@localhost:5672")
    parser.add_argument("--expect", type=int, default=0, help="end after so many results")
    parser.add_argument("--json", action="store_true", help="print results as they come")
    arguments = parser.parse_args()
    with pika.BlockingConnection(pika.URLParameters(arguments.url)) as connection:
        channel = connection.channel()
        for name in ("readings", "events", "alerts"):
            channel.queue_declare(f"{arguments.tenant}.{name}", durable=True)
        count = send(channel, arguments.tenant, arguments.lines)
        print(f"{count} readings sent", file=sys.stderr)
        seen: set[tuple[str, int]] = set()
        newest: dict[str, tuple[int, str]] = {}

        def take(own, method, _properties, body) -> None:
            own.basic_ack(method.delivery_tag)
            result = json.loads(body)
            name = (result["id"], result["revision"])
            if name in seen:  # At least once: a copy has the same id and revision.
                return
            seen.add(name)
            newest[result["id"]] = max(
                newest.get(result["id"], (0, "")), (result["revision"], result["state"])
            )
            print(json.dumps(result) if arguments.json else text_of(result), flush=True)
            if len(seen) == arguments.expect:
                own.stop_consuming()

        for name in ("events", "alerts"):
            channel.basic_consume(f"{arguments.tenant}.{name}", take)
        while len(seen) < arguments.expect or not arguments.expect:
            before = len(seen)
            connection.process_data_events(time_limit=QUIET_SECONDS)
            if len(seen) == before and not arguments.expect:
                break
        open_count = sum(state != "cleared" for _, state in newest.values())
        print(f"{len(seen)} results, {open_count} alarms are open", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
