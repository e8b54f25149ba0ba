"""A PostgreSQL server for tests: Debian's, in a folder of its own, on a free loopback port."""

import contextlib
import os
import pathlib
import pwd
import random
import shutil
import signal
import subprocess
import tempfile
import time

import psycopg

from ports import free_port

BIN = pathlib.Path("/usr/lib/postgresql/15/bin")


def execute(url: str, *statements: str) -> None:
    """One transaction a statement."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def rows(url: str, sql: str) -> list[tuple]:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(sql).fetchall()


class Postgres:
    """Started at once; `start` and `kill` again and again on the same data."""

    def __init__(self, fsync: bool = False, settings: dict | None = None) -> None:
        assert (BIN / "initdb").exists(), f"PostgreSQL 15 is missing (tools/setup test): {BIN}"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="catchwater-pg-"))
        self.port = free_port()
        self.settings = {
            "port": self.port,
            "unix_socket_directories": self.folder,
            "listen_addresses": "127.0.0.1",
            "fsync": "on" if fsync else "off",
            "wal_level": "logical",
            "max_connections": 30,
            **(settings or {}),
        }
        # The server refuses to run as root.
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres")
        self._run("initdb", "-D", self.data, "-A", "trust", "-U", "postgres", "--no-sync",
                  "-E", "UTF8", "--locale=C.UTF-8")
        self.start()

    @property
    def data(self) -> pathlib.Path:
        return self.folder / "data"

    def url(self, user: str = "postgres", password: str = "", database: str = "postgres") -> str:
        secret = f":{password}" if password else ""
        return f"postgres://{user}{secret}@127.0.0.1:{self.port}/{database}?sslmode=disable"

    def _run(self, program: str, *arguments) -> None:
        command = [BIN / program, *map(str, arguments)]
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            command = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}",
                       "--clear-groups", *command]
        done = subprocess.run(command, cwd=self.folder, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              env={**os.environ, "LC_ALL": "C.UTF-8"}, check=False)
        assert done.returncode == 0, done.stdout

    def new_database(self) -> str:
        """An empty database of its own: its URL."""
        name = f"db{random.randrange(10**9)}"
        with psycopg.connect(self.url(), autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {name}")
        return self.url(database=name)

    def database_of_test(self, monkeypatch):
        """Body of a fixture: an empty database, its URL is $PG_URL too. At the end its slots are dropped."""
        url = self.new_database()
        monkeypatch.setenv("PG_URL", url)
        yield url
        execute(url, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots "
                     "WHERE database = current_database() AND NOT active")

    def start(self) -> None:
        options = " ".join(f"-c {name}={value}" for name, value in self.settings.items())
        # Its output goes to a file: a pipe would be held open by the server.
        self._run("pg_ctl", "-D", self.data, "-w", "-t", "60", "-l", self.folder / "log",
                  "-o", options, "start")

    def reload(self) -> None:
        self._run("pg_ctl", "-D", self.data, "reload")

    @contextlib.contextmanager
    def asks_password_of(self, user: str):
        rules = self.data / "pg_hba.conf"
        before = rules.read_text()
        rules.write_text(f"host all {user} 127.0.0.1/32 scram-sha-256\n" + before)
        self.reload()
        try:
            self._wait_until_refused(user)
            yield
        finally:
            rules.write_text(before)
            self.reload()

    def _wait_until_refused(self, user: str) -> None:
        """The server reads its rules some time after it was told to."""
        for _ in range(1200):
            try:
                psycopg.connect(self.url(user)).close()
            except psycopg.OperationalError:
                return
            time.sleep(0.05)
        raise AssertionError("the server does not ask for a password")

    def stop(self) -> None:
        if (self.data / "postmaster.pid").exists():
            self._run("pg_ctl", "-D", self.data, "-w", "-m", "fast", "stop")

    def kill(self) -> None:
        """As a crash of the machine's database: SIGQUIT, recovery at the next start."""
        pid = int((self.data / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, signal.SIGQUIT)
        for _ in range(200):
            if not pathlib.Path(f"/proc/{pid}").exists():
                return
            time.sleep(0.05)
        raise AssertionError("the server does not end")

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
