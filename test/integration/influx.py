"""An InfluxDB 1 of our own on loopback, from Debian's package, ended by its process id."""

import json
import pathlib
import shutil
import subprocess
import urllib.parse
import urllib.request

from live import wait_for
from ports import free_ports

CONFIG = """
reporting-disabled = true
bind-address = "127.0.0.1:{backup}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
[http]
  bind-address = "127.0.0.1:{port}"
  log-enabled = false
"""


class Influx:
    """Started at once; `kill` is what a power cut does."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.program = shutil.which("influxd")
        assert self.program, "InfluxDB is missing: tools/setup test"
        port, backup = free_ports(2)
        self.config = folder / "influxdb.conf"
        self.config.write_text(CONFIG.format(folder=folder, port=port, backup=backup))
        self.url = f"http://127.0.0.1:{port}"
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen([self.program, "-config", self.config],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self.answers)

    def answers(self) -> bool:
        assert self.process.poll() is None, "influxd ended"
        try:
            urllib.request.urlopen(self.url + "/ping", timeout=1).close()
            return True
        except OSError:
            return False

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)

    def restart(self) -> None:
        """After kill -9."""
        self.process.kill()
        self.process.wait()
        self.start()

    def ask(self, query: str, **more) -> list:
        """The series of an answer, each with tags and values."""
        data = urllib.parse.urlencode({"q": query, "epoch": "u", **more}).encode()
        with urllib.request.urlopen(self.url + "/query", data) as answer:
            return json.load(answer)["results"][0].get("series", [])
