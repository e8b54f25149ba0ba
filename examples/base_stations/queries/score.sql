-- How good the alerts were: alarms of the stations (overheating 111, batteries 141) that were told at
-- least five minutes before they began, alerts that were right, and the time that was left, in
-- minutes. What the stations report is the truth: the simulator plants it.
WITH truth AS (
  SELECT station_id, datapoint_id, since FROM north.events WHERE datapoint_id IN (111, 141)),
told AS (
  SELECT station_id, datapoint_id, id, min(a.at) AS raised,
         coalesce(max(until), max(a.at)) AS until
  FROM north.alerts__revisions a WHERE kind = 'trend_to_threshold' GROUP BY ALL),
led AS (
  SELECT truth.*, (SELECT min(raised) FROM told WHERE told.station_id = truth.station_id
                     AND told.datapoint_id = truth.datapoint_id
                     AND raised <= since AND until >= since - INTERVAL 5 minutes) AS raised
  FROM truth),
judged AS (
  SELECT told.*, EXISTS (FROM truth WHERE told.station_id = truth.station_id
                           AND told.datapoint_id = truth.datapoint_id
                           AND raised <= since AND until >= since - INTERVAL 5 minutes) AS is_right
  FROM told)
SELECT (SELECT count(*) FROM truth) AS alarms,
       (SELECT count(*) FROM told) AS alerts,
       (SELECT round(avg(is_right::int), 3) FROM judged) AS "precision",
       (SELECT round(avg((raised <= since - INTERVAL 5 minutes)::int), 3)
        FROM (SELECT since, coalesce(raised, since) AS raised FROM led)) AS recall,
       (SELECT round(median(epoch(since) - epoch(raised)) / 60, 1) FROM led) AS lead_minutes_median,
       (SELECT round(min(epoch(since) - epoch(raised)) / 60, 1) FROM led) AS lead_minutes_min
