"""A program that runs while others send to it, and may be killed at any moment."""

import http.client
import json
import os
import random
import signal
import socket
import subprocess
import threading
import time

from conftest import PROGRAM, Project

DRILL = "CATCHWATER_DRILL_SEEDS" in os.environ


def answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_for(what, timeout=60.0, step=0.02):
    """Asks until there is an answer that is true, and returns it."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if answer := what():
            return answer
        time.sleep(step)
    raise AssertionError(f"nothing came within {timeout} s")


class Running:
    """`catchwater run` beside the test. Ended by its process id."""

    def __init__(self, project: Project, *more, env=None) -> None:
        self.project = project
        self.log = open(project.folder / "run.log", "ab")
        self.process = subprocess.Popen(
            [PROGRAM, "run", ".", *map(str, more)],
            cwd=project.folder,
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            env={**os.environ, **(env or {})},
        )

    def __enter__(self) -> "Running":
        return self

    def __exit__(self, *_) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.log.close()

    def text(self) -> str:
        return (self.project.folder / "run.log").read_text(errors="replace")

    def wait_for_port(self, port: int) -> "Running":
        def look():
            assert self.process.poll() is None, self.text()
            return answers(port)

        wait_for(look)
        return self

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self, timeout=60) -> int:
        """As ctrl-C does: what was read is committed."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout)

    def memory_peak(self) -> int:
        """The most bytes that were resident."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        return 0

    def memory_peak_at_end(self) -> int:
        """Waits for its end. Not asked of wait4: to it a process begins with the peak of who started it."""
        peak = 0
        while self.process.poll() is None:
            peak = max(peak, self.memory_peak())
            time.sleep(0.01)
        return peak


def record(number: int) -> dict:
    return {"id": number, "ts": f"2026-01-02T03:04:{number % 60:02}Z", "temperature": number / 10}


def ndjson(numbers) -> bytes:
    return b"".join(json.dumps(record(n)).encode() + b"\n" for n in numbers)


class Producer(threading.Thread):
    """Sends its requests in order, each with a key, again and again until it is answered with 2xx."""

    def __init__(self, port: int, requests_to_send: list[range], with_keys: bool = True) -> None:
        super().__init__(daemon=True)
        self.port, self.todo, self.with_keys = port, requests_to_send, with_keys
        self.attempts = self.throttled = self.answered = 0

    def run(self) -> None:
        connection = None
        for numbers in self.todo:
            body = ndjson(numbers)
            headers = {"Idempotency-Key": f"from-{numbers.start}"} if self.with_keys else {}
            while True:
                self.attempts += 1
                try:
                    connection = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
                    connection.request("POST", "/readings", body, headers)
                    answer = connection.getresponse()
                    answer.read()
                    if answer.status in (200, 202):
                        self.answered += 1
                        break
                    assert answer.status in (429, 503), answer.status
                    self.throttled += 1
                    connection.close()
                    connection = None
                    time.sleep(0.02)
                except (OSError, http.client.HTTPException):
                    connection.close()
                    connection = None
                    time.sleep(0.02)


def produce_through_kills(project, port, count, kills, seed, with_keys=True):
    """Sends `count` records while the program is killed; returns the producers and the kills."""
    chance = random.Random(seed)
    batch = 100
    parts = [range(i, min(i + batch, count)) for i in range(0, count, batch)]
    producers = [Producer(port, parts[i::4], with_keys) for i in range(4)]
    for producer in producers:
        producer.start()
    # Each kill comes when so many requests were answered, wherever the others are by then.
    moments = sorted(chance.randrange(len(parts)) for _ in range(kills))
    done = 0
    while any(producer.is_alive() for producer in producers):
        with Running(project).wait_for_port(port) as running:
            moment = moments[done] if done < kills else len(parts) + 1
            while any(p.is_alive() for p in producers):
                if sum(p.answered for p in producers) >= moment:
                    time.sleep(chance.uniform(0, 0.02))
                    running.kill()
                    done += 1
                    break
                time.sleep(0.002)
            else:
                running.stop()
    for producer in producers:
        producer.join()
    project.run(timeout=600)
    return producers, done


def run_through_kills(project, producer, chance, count, kills, restarts, restart, *more, seen=None):
    """Runs the program while `producer`, a thread whose `done` goes up to `count`, works on. It is
    killed so many times, and what it reads from is restarted, each when a random part is done. The
    last run ends when `seen()`, if there is one, is true. Returns how many were killed."""
    events = sorted(
        [(chance.randrange(count), "kill") for _ in range(kills)]
        + [(chance.randrange(count), "restart") for _ in range(restarts)]
    )
    killed = 0
    producer.start()
    while producer.is_alive() or events:
        with Running(project, *more) as running:
            while running.process.poll() is None and (producer.is_alive() or events):
                if not events or (producer.is_alive() and producer.done < events[0][0]):
                    time.sleep(0.005)
                    continue
                _, what = events.pop(0)
                time.sleep(chance.uniform(0, 0.5))  # Anywhere in its work.
                if what == "restart":
                    restart()
                else:
                    running.kill()
                    killed += 1
            if running.process.poll() is None:
                if seen is not None:
                    wait_for(seen, 300, 0.2)
                running.stop()
    producer.join()
    return killed
