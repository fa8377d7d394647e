"""A Python worker takes memory until the kernel kills it; the executor's JVM goes on.

minutes: 3
"""

import time

from pyspark.sql import SparkSession


def hoard(_):
    held = []
    for _ in range(400):
        held.append(bytearray(16 << 20))
        time.sleep(0.05)
    return len(held)


spark = SparkSession.builder.getOrCreate()
spark.sparkContext.parallelize(range(2), 2).count()
time.sleep(30)
try:
    spark.sparkContext.parallelize(range(1), 1).map(hoard).count()
finally:
    # For the scrapes that show it.
    time.sleep(90)
