"""A streaming query that takes a fiftieth of a second for each of 200 rows a second.

minutes: 18
"""

import time

from pyspark.sql import SparkSession
from pyspark.sql import functions as sql


def slowly(value):
    time.sleep(0.02)
    return value


spark = SparkSession.builder.getOrCreate()
rows = spark.readStream.format("rate").option("rowsPerSecond", 200).option("numPartitions", 2).load()
query = rows.select(sql.udf(slowly, "long")("value")).writeStream.queryName("slow").format("noop").start()
query.awaitTermination(40 * 60)
