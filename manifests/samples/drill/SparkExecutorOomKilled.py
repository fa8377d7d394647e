"""Executors whose container has no room beside their heap cache more than fits.

minutes: 3
conf: spark.executor.memoryOverhead=32m
"""

from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
for _ in range(100):
    text = "repeat(cast(id as string), 10) as text"
    spark.range(0, 3_000_000, 1, 2).selectExpr("id", text).cache().count()
