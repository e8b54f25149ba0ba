"""kill -9 while others send: what was answered is there. `make drill` does it whole."""

import os

import pytest

from live import DRILL, free_port, produce_through_kills

PUSH = """
pipeline: push
source:
  http_push: { port: PORT, path: /readings }
codec: json
columns:
  id:          { type: int64, required: true }
  ts:          { type: timestamp, event_time: true }
  temperature: float64
lake:
  table: demo.push
  flush: { every: 500ms }
"""
SEEDS = range(1, 1 + int(os.environ.get("CATCHWATER_DRILL_SEEDS", "1")))


@pytest.fixture
def port() -> int:
    return free_port()


def counts(project, table: str) -> dict:
    return project.query(f"SELECT count(*) AS n, count(DISTINCT id) AS d FROM {table}")[0]


@pytest.mark.parametrize("seed", SEEDS)
def test_kills_lose_and_double_nothing_with_keys(project, port, seed):
    count, kills = (1_000_000, 20) if DRILL else (20_000, 2)
    project.pipeline("push", PUSH.replace("PORT", str(port)))
    producers, done = produce_through_kills(project, port, count, kills, seed)
    found = counts(project, "demo.push")
    print(f"seed {seed}: {count} records, {done} kills, {sum(p.attempts for p in producers)} requests,"
          f" {found['n'] - found['d']} extra copies")
    assert done == kills
    assert found == {"n": count, "d": count}
    assert project.verify()["violations"] == []


def test_without_keys_nothing_is_lost_and_copies_are_counted(project, port):
    project.pipeline("push", PUSH.replace("PORT", str(port)))
    producers, done = produce_through_kills(project, port, 10_000, 2, seed=7, with_keys=False)
    found = counts(project, "demo.push")
    repeated = sum(p.attempts for p in producers) - 100
    print(f"{done} kills, {found['n'] - found['d']} extra copies of at most {repeated * 100}")
    assert found["d"] == 10_000
    assert found["n"] - found["d"] <= repeated * 100
    assert project.verify()["violations"] == []
