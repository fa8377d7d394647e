"""A job that says by its exit code that something is not as it should be."""

import sys

from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
spark.range(0, 1000, 1, 2).selectExpr("sum(id)").collect()
spark.stop()
sys.exit(3)
