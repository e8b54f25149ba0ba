-- Of each sensor: how many readings, and how warm it was.
SELECT sensor_id, count(*) AS readings, min(temperature) AS coldest,
       round(avg(temperature), 2) AS mean, max(temperature) AS warmest
FROM sensors.readings GROUP BY sensor_id ORDER BY warmest DESC, sensor_id;
