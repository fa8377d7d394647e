"""A job that works long enough for something to happen to it, and then ends as it should."""

import time

from pyspark.sql import SparkSession


def rest(number):
    time.sleep(1)
    return number


spark = SparkSession.builder.getOrCreate()
spark.range(0, 1000, 1, 2).selectExpr("sum(id)").collect()
print("working now", flush=True)
spark.sparkContext.parallelize(range(20), 20).map(rest).count()
spark.stop()
