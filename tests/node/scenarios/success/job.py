"""A job with a shuffle and Python functions that ends as it should."""

from pyspark.sql import SparkSession
from pyspark.sql import functions as sql

spark = SparkSession.builder.getOrCreate()
double = sql.udf(lambda number: 2 * number, "long")
rows = spark.range(0, 20_000, 1, 4).withColumn("key", sql.col("id") % 97).withColumn("twice", double("id"))
for _ in range(3):
    rows.groupBy("key").agg(sql.sum("twice")).orderBy("key").collect()
spark.stop()
