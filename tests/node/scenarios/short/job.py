"""One small job, and the end is left to Spark's shutdown hook, as many jobs do."""

from pyspark.sql import SparkSession

SparkSession.builder.getOrCreate().range(0, 1000, 1, 2).selectExpr("sum(id)").collect()
