"""A Mosquitto of our own on loopback, ended by its process id."""

import os
import pathlib
import shutil
import signal
import subprocess
import time

import paho.mqtt.client as paho
import pytest

from live import answers, wait_for
from ports import free_port

PROGRAM = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")

# For much at once: else the broker writes all that it has down after each change.
RARELY_SAVED = "allow_anonymous true\nautosave_on_changes false\nautosave_interval 1800"


class Broker:
    def __init__(self, folder: pathlib.Path, settings: str = "allow_anonymous true") -> None:
        assert PROGRAM, "tools/setup test installs mosquitto"
        self.folder, self.settings, self.port = folder, settings, free_port()
        folder.mkdir(parents=True, exist_ok=True)
        self.process = None
        self.start()

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> None:
        # As root it would become the user mosquitto, who cannot write into the test's folder.
        (self.folder / "m.conf").write_text(
            f"listener {self.port} 127.0.0.1\npersistence true\n"
            f"persistence_location {self.folder}/\nautosave_interval 1\nautosave_on_changes true\n"
            "max_queued_messages 0\nmax_inflight_messages 1000\nlog_dest stdout\nuser root\n"
            f"{self.settings}\n"
        )
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [PROGRAM, "-c", str(self.folder / "m.conf")], stdout=log, stderr=log
            )

        def look():
            assert self.process.poll() is None, (self.folder / "log").read_text()
            return answers(self.port)

        wait_for(look)

    def stop(self) -> None:
        """As a restart does: sessions and messages are saved."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)

    def restart(self) -> None:
        self.stop()
        self.start()

    def client(self, **more) -> paho.Client:
        client = paho.Client(paho.CallbackAPIVersion.VERSION2, **more)
        client.max_inflight_messages_set(200)
        client.max_queued_messages_set(0)
        client.connect("127.0.0.1", self.port)
        client.loop_start()
        end = time.monotonic() + 10
        while not client.is_connected():
            if time.monotonic() > end:
                client.loop_stop()
                raise OSError("the broker does not answer")
            time.sleep(0.001)
        return client

    def publish(self, messages, qos=1, retain=False) -> None:
        """Publishes (topic, payload) pairs and waits until the broker has them."""
        client = self.client()
        sent = [client.publish(topic, payload, qos=qos, retain=retain) for topic, payload in messages]
        for one in sent:
            one.wait_for_publish(60)
            assert one.is_published()
        client.disconnect()
        client.loop_stop()


@pytest.fixture
def broker(tmp_path):
    broker = Broker(tmp_path / "broker")
    yield broker
    broker.stop()
