"""A Python worker that keeps 4 MiB more every ten seconds, in a container that has some room.

minutes: 30
conf: spark.executor.memoryOverhead=1200m
"""

import time

from pyspark.sql import SparkSession


def leak(numbers):
    held = []
    for number in numbers:
        held.append(bytearray(4 << 20))
        time.sleep(10)
        yield number


spark = SparkSession.builder.getOrCreate()
spark.sparkContext.parallelize(range(240), 1).mapPartitions(leak).count()
