-- Sales by product and payment method.
SELECT product, payment_method, count(*) AS sales, sum(amount) AS revenue
FROM shop.kafka_ing_transactions
GROUP BY product, payment_method
ORDER BY revenue DESC, product, payment_method
