"""Apache Flink SQL in one process, from the jars of `tools/setup bench`."""

import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent
JARS = ROOT / ".deps" / "flink"
PACKAGES = (
    "lang net io nio lang.reflect text time util util.concurrent util.concurrent.atomic util.concurrent.locks"
)
OPENS = [f"--add-opens=java.base/java.{name}=ALL-UNNAMED" for name in PACKAGES.split()]


def flink_sql(script: pathlib.Path, parallelism: int = 1) -> list:
    """The command that runs the statements of a file; beside it, as .json, lies how long each INSERT took."""
    return ["java", "-Xmx6g", f"-Dparallelism={parallelism}", *OPENS, "-cp", f"{JARS}/*",
            ROOT / "bench" / "FlinkSql.java", script, script.with_suffix(".json")]
