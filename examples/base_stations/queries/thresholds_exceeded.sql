-- Types of alarm by how often their readings exceed the threshold. Of all batteries in sum (141) and of
-- the capacity (161) what falls below is bad.
SELECT alarm_id, datapoint_id, count(*) AS exceeded,
       round(count(*) / any_value(readings), 4) AS share
FROM (SELECT *, count(*) OVER (PARTITION BY alarm_id, datapoint_id) AS readings FROM north.readings)
WHERE valueThreshold <> 999999
  AND CASE WHEN datapoint_id IN (141, 161) THEN value < valueThreshold ELSE value > valueThreshold END
GROUP BY alarm_id, datapoint_id
ORDER BY exceeded DESC, alarm_id
