"""How long a commit takes, and what a program holds that has nothing to do."""

import json
import pathlib
import shutil
import signal
import subprocess
import time

PIPELINE = """
pipeline: readings
source: { file: { path: readings.csv, follow: true } }
codec: csv
columns:
  ts: { type: timestamp, event_time: true }
  sensor_id: string
  value: float64
lake: { table: bench.readings, partition: [day(ts)], flush: { every: 100ms } }
"""
COMMIT_SECONDS = 40
IDLE_SECONDS = 5


def start(program: pathlib.Path, project: pathlib.Path) -> subprocess.Popen:
    shutil.rmtree(project, ignore_errors=True)
    (project / "pipelines").mkdir(parents=True)
    (project / "pipelines" / "readings.yaml").write_text(PIPELINE)
    (project / "readings.csv").write_text("ts,sensor_id,value\n")
    return subprocess.Popen(
        [program, "--json", "run", project],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def stop(process: subprocess.Popen) -> str:
    process.send_signal(signal.SIGTERM)
    output, errors = process.communicate(timeout=60)
    if process.returncode != 0:
        raise SystemExit(f"bench: run failed:\n{errors}")
    return output


def report_commits(program: pathlib.Path, project: pathlib.Path) -> None:
    """A line every 10 ms, a commit every 100 ms."""
    process = start(program, project)
    deadline = time.monotonic() + COMMIT_SECONDS
    number = 0
    with open(project / "readings.csv", "a", encoding="utf-8") as file:
        while time.monotonic() < deadline:
            file.write(f"2026-01-01 00:00:{number % 60:02d},S{number % 58:03d},{number / 7}\n")
            file.flush()
            number += 1
            time.sleep(0.01)
    time.sleep(1)  # A stop drains what was read, not what was just written.
    pipeline = json.loads(stop(process))["pipelines"][0]
    if pipeline["rows_committed"] != number:
        raise SystemExit(f"bench: {pipeline['rows_committed']} rows committed, not {number}")
    p50, p99 = (pipeline["commit_us"][name] / 1000 for name in ("p50", "p99"))
    print(f"\ncommit latency over {pipeline['commits']} commits: p50 {p50:.1f} ms (aim 3), "
          f"p99 {p99:.1f} ms (aim 10)", flush=True)


def report_idle(program: pathlib.Path, project: pathlib.Path) -> None:
    process = start(program, project)
    time.sleep(IDLE_SECONDS)
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    mib = {
        line.split(":")[0]: int(line.split()[1]) / 1024
        for line in status.splitlines()
        if line.startswith(("VmRSS", "RssAnon"))
    }
    stop(process)
    print(f"idle memory: {mib['VmRSS']:.0f} MiB resident (aim 60 MB), of which "
          f"{mib['RssAnon']:.0f} MiB its own and the rest mapped code", flush=True)
