-- Histogram of room temperature (sensor 111) by year, two degrees a bucket.
SELECT date_trunc('year', event_time) AS year,
       floor(value / 2) * 2 AS from_degrees, floor(value / 2) * 2 + 2 AS to_degrees,
       count(*) AS readings
FROM north.readings
WHERE datapoint_id = 111
GROUP BY ALL
ORDER BY ALL
