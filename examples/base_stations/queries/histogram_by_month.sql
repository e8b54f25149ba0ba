-- Histogram of room temperature (sensor 111) by month, two degrees a bucket.
SELECT date_trunc('month', event_time) AS month,
       floor(value / 2) * 2 AS from_degrees, floor(value / 2) * 2 + 2 AS to_degrees,
       count(*) AS readings
FROM north.readings
WHERE datapoint_id = 111
GROUP BY ALL
ORDER BY ALL
