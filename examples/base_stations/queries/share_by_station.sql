-- Share of the data by station.
SELECT station_id, count(*) AS readings,
       round(count(*) / sum(count(*)) OVER (), 4) AS share
FROM north.readings
GROUP BY station_id
ORDER BY readings DESC, station_id
