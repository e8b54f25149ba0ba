-- The hour of the day (UTC) at which each type of alarm is raised most.
SELECT datapoint_id, hour(since) AS hour, count(*) AS alarms
FROM north.events
GROUP BY datapoint_id, hour(since)
QUALIFY row_number() OVER (PARTITION BY datapoint_id ORDER BY count(*) DESC, hour(since)) = 1
ORDER BY datapoint_id
