#!/usr/bin/env python3
"""A tenant's side: sends the lines of a CSV file, prints what comes back, and switches its apps.

    client.py TENANT send LINES.csv [--expect N] [--json]
    client.py TENANT disable APP          and enable
    client.py TENANT metrics [APP]        and status

One line is one message of the queue TENANT.readings. Results (schemas BTSAlarmEvent and BTSAlarmAlert)
come from the queues TENANT.events and TENANT.alerts; `send` ends when nothing came for a while, or
after N results. The others ask on the queue TENANT.control and print the answer. The broker is
--url amqp://guest:guest@localhost:5672.
"""

import argparse
import json
import pathlib
import sys
import uuid

import pika

QUIET_SECONDS = 10
ANSWER_SECONDS_MAX = 60


def send_lines(channel, tenant: str, file: pathlib.Path) -> int:
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


def send(connection, arguments) -> int:
    channel = connection.channel()
    for name in ("readings", "events", "alerts"):
        channel.queue_declare(f"{arguments.tenant}.{name}", durable=True)
    count = send_lines(channel, arguments.tenant, arguments.lines)
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


def ask(connection, arguments) -> int:
    channel = connection.channel()
    control = f"{arguments.tenant}.control"
    channel.queue_declare(control, durable=True)
    answers = channel.queue_declare("", exclusive=True).method.queue
    request = {"do": arguments.do} | ({"app": arguments.app} if arguments.app else {})
    name = uuid.uuid4().hex
    properties = pika.BasicProperties(reply_to=answers, correlation_id=name, delivery_mode=2)
    channel.basic_publish("", control, json.dumps(request).encode(), properties)
    for method, its, body in channel.consume(
        answers, auto_ack=True, inactivity_timeout=ANSWER_SECONDS_MAX
    ):
        if method is None:
            print("no answer yet: the request waits until catchwater runs", file=sys.stderr)
            return 1
        if its.correlation_id == name:
            answer = json.loads(body)
            print(json.dumps(answer, indent=2))
            return 0 if answer["ok"] else 1
    return 1


def main() -> int:
    everywhere = argparse.ArgumentParser(add_help=False)
    everywhere.add_argument("--url", default="amqp://guest:guest@localhost:5672")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tenant")
    words = parser.add_subparsers(dest="do", required=True)
    word = words.add_parser("send", parents=[everywhere], help="send lines, print results")
    word.add_argument("lines", type=pathlib.Path)
    word.add_argument("--expect", type=int, default=0, help="end after so many results")
    word.add_argument("--json", action="store_true", help="print results as they come")
    for do in ("enable", "disable"):
        words.add_parser(do, parents=[everywhere], help=f"{do} an app").add_argument("app")
    for do in ("status", "metrics"):
        word = words.add_parser(do, parents=[everywhere], help=f"{do} of an app, or of all")
        word.add_argument("app", nargs="?")
    arguments = parser.parse_args()
    with pika.BlockingConnection(pika.URLParameters(arguments.url)) as connection:
        return send(connection, arguments) if arguments.do == "send" else ask(connection, arguments)


if __name__ == "__main__":
    sys.exit(main())
