-- Alarms that the stations reported, by day and station. An alarm is counted when it begins.
SELECT date_trunc('day', since) AS day, station_id, count(*) AS alarms
FROM north.events
GROUP BY ALL
ORDER BY ALL
