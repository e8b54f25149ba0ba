"""examples/data_lake: four feeds into four tables, the same from files and from Kafka's topics."""

import collections
import csv
import json
import pathlib
import re
import shutil
import subprocess
import uuid

from conftest import PROGRAM, ROOT, Project
from s3_server import S3Project

EXAMPLE = ROOT / "examples" / "data_lake"
TABLES = {
    "kafka_ing_transactions": 1000,
    "kafka_ing_logs": 1000,
    "kafka_ing_social_data": 1000,
    "kafka_ing_ad_campaigns": 100,
}


def make_feeds(*arguments) -> None:
    subprocess.run([PROGRAM, "simulate", "--profile", "shop", *map(str, arguments)], check=True)


def copy_of(example: str, folder: pathlib.Path) -> Project:
    shutil.copytree(ROOT / "examples" / example, folder)
    return Project(folder)


def count_tables(project) -> dict:
    return {name: project.value(f"SELECT count(*) FROM shop.{name}") for name in TABLES}


def answers(project) -> dict:
    files = sorted((EXAMPLE / "queries").glob("*.sql"))
    return {file.stem: project.query(file.read_text(encoding="utf-8")) for file in files}


def test_the_same_seed_makes_the_same_bytes(tmp_path):
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        make_feeds("--seed", seed, "--output", tmp_path / folder)
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == ["ad_campaigns.json", "social_data.json", "transactions.csv", "web_logs.csv"]
    check_realism(tmp_path / "a")
    for name in names:
        first, again, other = ((tmp_path / f / name).read_bytes() for f in "abc")
        assert first == again != other


def check_realism(feeds: pathlib.Path) -> None:
    sales = list(csv.DictReader((feeds / "transactions.csv").open(encoding="utf-8")))
    assert list(sales[0]) == ["ClientID", "ClientName", "TransactionDate", "Product", "Amount",
                              "PaymentMethod"]
    assert len({uuid.UUID(sale["ClientID"]).version for sale in sales}) == 1
    times = [sale["TransactionDate"] for sale in sales]
    assert times == sorted(times) and len({time[:10] for time in times}) == 30
    hours = collections.Counter(time[11:13] for time in times)
    assert hours["19"] > 3 * hours["03"]  # More in the evening than at night.
    clients = {sale["ClientID"]: sale["ClientName"] for sale in sales}
    assert all(clients[sale["ClientID"]] == sale["ClientName"] for sale in sales)
    posts = json.loads((feeds / "social_data.json").read_text(encoding="utf-8"))
    assert len({post["message"] for post in posts}) == 12
    assert all(0 <= post["retweets"] <= post["likes"] for post in posts)
    campaigns = json.loads((feeds / "ad_campaigns.json").read_text(encoding="utf-8"))
    assert len({campaign["campaign_id"] for campaign in campaigns}) == 100
    assert all(campaign["start_date"] < campaign["end_date"] for campaign in campaigns)


def test_the_feeds_become_tables(tmp_path):
    project = copy_of("data_lake", tmp_path / "lake")
    feeds = project.folder / "feeds"
    make_feeds("--output", feeds)
    project.run()
    assert count_tables(project) == TABLES
    project.run()  # A feed is taken once.
    assert count_tables(project) == TABLES
    assert project.verify()["violations"] == []
    check_answers(answers(project), feeds)
    for name, folder in (("transactions.csv", "transactions"), ("social_data.json", "social-data")):
        kept = list((project.folder / f"kafka-ing-{folder}").glob("date=*/hour=*/*"))
        assert b"".join(file.read_bytes() for file in kept) == (feeds / name).read_bytes()


def check_answers(found: dict, feeds: pathlib.Path) -> None:
    sales = {}
    for row in csv.DictReader((feeds / "transactions.csv").open(encoding="utf-8")):
        key = row["Product"], row["PaymentMethod"]
        sales[key] = sales.get(key, 0) + round(float(row["Amount"]) * 100)
    ours = {
        (row["product"], row["payment_method"]): round(float(row["revenue"]) * 100)
        for row in found["sales_by_product"]
    }
    assert ours == sales
    logs = list(csv.DictReader((feeds / "web_logs.csv").open(encoding="utf-8")))
    errors = [row for row in logs if int(row["Status_Code"]) >= 400]
    assert sum(row["client_errors"] + row["server_errors"] for row in found["errors_by_url"]) == len(
        errors
    )
    assert {row["url"] for row in found["errors_by_url"]} == {row["URL"] for row in errors}
    campaigns = json.loads((feeds / "ad_campaigns.json").read_text(encoding="utf-8"))
    assert len(found["ctr_by_campaign"]) == len(campaigns)
    for row in found["ctr_by_campaign"]:
        assert abs(row["computed_ctr"] - row["ctr"]) < 1e-6
    posts = json.loads((feeds / "social_data.json").read_text(encoding="utf-8"))
    days = found["engagement_by_day"]
    assert sum(row["likes"] for row in days) == sum(post["likes"] for post in posts)
    assert [row["day"] for row in days] == sorted({post["post_date"][:10] for post in posts})


def test_the_feeds_come_through_kafka(tmp_path, broker):
    project = copy_of("data_lake_kafka", tmp_path / "lake")
    files = copy_of("data_lake", tmp_path / "files")
    make_feeds("--output", files.folder / "feeds")
    make_feeds("--to", f"kafka://{broker.address}", "--create")
    project.run(env={"KAFKA_BROKERS": broker.address})
    files.run()
    assert count_tables(project) == TABLES
    assert answers(project) == answers(files)
    assert project.verify()["violations"] == []


def test_the_feeds_of_kafka_lie_in_buckets_of_their_own(tmp_path, broker, s3_server):
    """Raw JSON in s3://kafka-ing-..., tables in another bucket; the same answers as from local files."""
    shutil.copytree(ROOT / "examples" / "data_lake_kafka", tmp_path / "lake")
    project = S3Project(tmp_path / "lake", s3_server)
    client = s3_server.client()
    buckets = {}
    for file in (project.folder / "pipelines").glob("*.yaml"):
        text = file.read_text(encoding="utf-8")
        (bucket,) = re.findall(r"keep_raw: (kafka-ing-[a-z-]+)/", text)
        text = text.replace(f"keep_raw: {bucket}/", f"keep_raw: s3://{bucket}/")
        file.write_text(text.replace("_topic]", "_of_buckets]"), encoding="utf-8")
        client.create_bucket(Bucket=bucket)
        buckets[file.stem] = bucket
    assert len(buckets) == 4
    feeds = tmp_path / "feeds"
    make_feeds("--output", feeds)
    sent = {"transactions": [], "logs": [], "social_data": [], "ad_campaigns": []}
    make_feeds("--to", f"kafka://{broker.address}", "--create")
    for feed, lines in sent.items():
        lines += [message.value() for message in broker.read_all(f"{feed}_topic")][-TABLES[f"kafka_ing_{feed}"]:]
        broker.create(f"{feed}_of_buckets")
        broker.produce(f"{feed}_of_buckets", lines)
    project.run(env={"KAFKA_BROKERS": broker.address})
    assert count_tables(project) == TABLES
    for pipeline, bucket in buckets.items():
        keys = s3_server.keys(bucket, "")
        bodies = [client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in sorted(keys)]
        assert all(key.startswith("date=") for key in keys)
        kept = [json.loads(line) for body in bodies for line in body.splitlines()]
        assert kept == [json.loads(line) for line in sent[pipeline]]
    files = copy_of("data_lake", tmp_path / "files")
    shutil.copytree(feeds, files.folder / "feeds")
    files.run()
    assert answers(project) == answers(files)
    assert project.verify()["violations"] == []
