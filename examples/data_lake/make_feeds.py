#!/usr/bin/env python3
"""Makes the four feeds of a shop: the same seed makes the same bytes.

    python3 make_feeds.py [--seed N] [--to FOLDER]         files, for examples/data_lake
    python3 make_feeds.py --brokers localhost:9092         messages, for examples/data_lake_kafka

Messages are the rows as JSON, one thread a feed; that needs confluent-kafka.
"""

import argparse
import csv
import datetime
import io
import json
import pathlib
import random
import threading
import uuid

DAY = datetime.datetime(2025, 11, 1)
PRODUCTS = {  # Name: price, how often it is bought.
    "Laptop": (899.0, 4), "Smartphone": (599.0, 8), "Headphones": (79.9, 14), "Keyboard": (49.9, 12),
    "Monitor": (229.0, 6), "Desk lamp": (34.5, 9), "Backpack": (59.0, 10), "Coffee machine": (149.0, 5),
}
PAYMENTS = {"Credit Card": 48, "PayPal": 27, "Bank Transfer": 15, "Gift Card": 10}
FIRST = ["Ana", "Björn", "Chen", "Dmitri", "Elif", "Fatima", "Giulia", "Hana", "Inès", "João", "Kofi",
         "Léa", "Marek", "Nora", "Omar", "Priya"]
LAST = ["Almeida", "Berg", "Costa", "Dubois", "Eriksen", "Fischer", "García", "Haddad", "Ivanov",
        "Jansen", "Kowalski", "Lopes", "Müller", "Nakamura", "Okafor", "Rossi"]
PATHS = {"/": 24, "/products": 18, "/products/laptop": 9, "/products/headphones": 11, "/cart": 12,
         "/checkout": 7, "/account": 8, "/search?q=lamp": 6, "/images/banner.webp": 14,
         "/old-offer": 3, "/api/stock": 6}
MESSAGES = {  # In several languages; one in each line of the table.
    "Just got my order, great quality!": 6, "Delivery took two weeks, not happy.": 3,
    "Je recommande vivement ce produit 👍": 4, "Service client très lent…": 2,
    "¡Me encanta mi nuevo teclado!": 4, "El paquete llegó roto": 2,
    "Super Angebot, danke!": 3, "Leider falsche Farbe geliefert": 2,
    "配送很快，谢谢！": 3, "とても良い買い物でした": 3, "خدمة ممتازة": 2, "Очень доволен покупкой": 2,
}


def pick(dice: random.Random, weights: dict):
    return dice.choices(list(weights), weights=list(weights.values()))[0]


def moment(dice: random.Random, days: int) -> datetime.datetime:
    """More in the evening than at night."""
    hour = dice.choices(range(24), weights=[2, 1, 1, 1, 1, 2, 4, 6, 8, 9, 10, 11, 12, 11, 10, 10, 11,
                                            13, 15, 17, 16, 12, 8, 4])[0]
    second = dice.randrange(3600)
    return DAY + datetime.timedelta(days=dice.randrange(days), hours=hour, seconds=second)


def transactions(dice: random.Random, rows: int = 1000) -> list[dict]:
    clients = [(str(uuid.UUID(int=dice.getrandbits(128), version=4)),
                f"{dice.choice(FIRST)} {dice.choice(LAST)}") for _ in range(220)]
    made = []
    for _ in range(rows):
        client = clients[min(int(dice.expovariate(1 / 60)), len(clients) - 1)]
        product = pick(dice, {name: weight for name, (_, weight) in PRODUCTS.items()})
        price = PRODUCTS[product][0] * dice.choice([1, 1, 1, 1, 2, 3]) * dice.choice([1, 1, 0.9])
        made.append({
            "ClientID": client[0], "ClientName": client[1],
            "TransactionDate": moment(dice, 30).isoformat(sep=" "), "Product": product,
            "Amount": f"{price:.2f}", "PaymentMethod": pick(dice, PAYMENTS),
        })
    return made


def web_logs(dice: random.Random, rows: int = 1000) -> list[dict]:
    made = []
    for _ in range(rows):
        path = pick(dice, PATHS)
        status = {200: 92, 304: 5, 404: 2, 500: 1}
        if path == "/old-offer":
            status = {404: 80, 301: 20}
        elif path == "/checkout":
            status = {200: 88, 402: 6, 500: 4, 503: 2}
        elif path == "/account":
            status = {200: 85, 401: 12, 403: 3}
        made.append({
            "IP_Address": ".".join(str(dice.randrange(1, 255)) for _ in range(4)), "URL": path,
            "Status_Code": pick(dice, status), "Timestamp": moment(dice, 30).isoformat(sep=" "),
        })
    return made


def social_data(dice: random.Random, rows: int = 1000) -> list[dict]:
    made = []
    for _ in range(rows):
        likes = min(int(dice.lognormvariate(2.5, 1.2)), 20000)
        made.append({
            "user": f"{dice.choice(FIRST)}_{dice.randrange(100, 999)}".lower(),
            "message": pick(dice, MESSAGES), "post_date": moment(dice, 30).isoformat() + "Z",
            "likes": likes, "retweets": int(likes * dice.uniform(0, 0.4)),
        })
    return made


def ad_campaigns(dice: random.Random, rows: int = 100) -> list[dict]:
    made = []
    for n in range(rows):
        start = (DAY + datetime.timedelta(days=dice.randrange(-30, 30))).date()
        impressions = dice.randrange(5_000, 500_000)
        clicks = int(impressions * dice.betavariate(2, 60))
        made.append({
            "campaign_id": f"CMP-{n + 1:04d}", "start_date": start.isoformat(),
            "end_date": (start + datetime.timedelta(days=dice.randrange(7, 45))).isoformat(),
            "budget": round(dice.uniform(500, 20_000), 2), "clicks": clicks,
            "impressions": impressions, "ctr": round(clicks / impressions, 6),
        })
    return made


FEEDS = {  # File: maker, topic.
    "transactions.csv": (transactions, "transactions_topic"),
    "web_logs.csv": (web_logs, "logs_topic"),
    "social_data.json": (social_data, "social_data_topic"),
    "ad_campaigns.json": (ad_campaigns, "ad_campaigns_topic"),
}


def records_of(name: str, seed: int) -> list[dict]:
    return FEEDS[name][0](random.Random(f"{seed} {name}"))


def text_of(name: str, records: list[dict]) -> str:
    if name.endswith(".json"):
        lines = ",\n".join("  " + json.dumps(record, ensure_ascii=False) for record in records)
        return f"[\n{lines}\n]\n"
    out = io.StringIO()
    writer = csv.DictWriter(out, list(records[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return out.getvalue()


def produce(brokers: str, topic: str, records: list[dict]) -> None:
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": brokers, "enable.idempotence": True})
    for record in records:
        producer.produce(topic, json.dumps(record, ensure_ascii=False).encode())
        producer.poll(0)
    if producer.flush(60):
        raise SystemExit(f"not all messages were taken, topic: {topic}")


def main() -> None:
    options = argparse.ArgumentParser(description="Makes the four feeds of a shop.")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--to", type=pathlib.Path, default=pathlib.Path(__file__).parent / "feeds")
    options.add_argument("--brokers", help="Kafka: send the rows as messages, write no files")
    chosen = options.parse_args()
    threads = []
    for name, (_, topic) in FEEDS.items():
        records = records_of(name, chosen.seed)
        if chosen.brokers:
            threads.append(threading.Thread(target=produce, args=(chosen.brokers, topic, records)))
            threads[-1].start()
            continue
        chosen.to.mkdir(parents=True, exist_ok=True)
        (chosen.to / name).write_text(text_of(name, records), encoding="utf-8", newline="")
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
