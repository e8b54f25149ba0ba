-- Alarms that the stations reported, by month and station. An alarm is counted when it begins.
SELECT date_trunc('month', since) AS month, station_id, count(*) AS alarms
FROM north.events
GROUP BY ALL
ORDER BY ALL
