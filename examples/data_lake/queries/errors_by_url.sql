-- Answers 4xx and 5xx by URL.
SELECT url,
       count(*) FILTER (WHERE status_code BETWEEN 400 AND 499) AS client_errors,
       count(*) FILTER (WHERE status_code BETWEEN 500 AND 599) AS server_errors,
       count(*) AS requests
FROM shop.kafka_ing_logs
GROUP BY url
HAVING client_errors + server_errors > 0
ORDER BY client_errors + server_errors DESC, url
