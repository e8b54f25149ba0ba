-- Posts, likes and retweets by day.
SELECT CAST(posted_at AS DATE) AS day, count(*) AS posts, sum(likes) AS likes,
       sum(retweets) AS retweets, round(sum(likes + retweets) / count(*), 1) AS engagement_per_post
FROM shop.kafka_ing_social_data
GROUP BY day
ORDER BY day
