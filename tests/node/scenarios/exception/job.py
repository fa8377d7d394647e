"""A job whose driver fails after some work."""

from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
spark.range(0, 1000, 1, 4).selectExpr("sum(id)").collect()
raise ValueError("as this job should")
