-- Click-through rate and impressions by campaign, the best first; ctr is what the feed says.
SELECT campaign_id, impressions, clicks, round(clicks / impressions, 6) AS computed_ctr, ctr
FROM shop.kafka_ing_ad_campaigns
ORDER BY ctr DESC, campaign_id
