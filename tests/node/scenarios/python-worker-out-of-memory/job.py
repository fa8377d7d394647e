"""A job whose Python worker takes memory until something ends it."""

import time

from pyspark.sql import SparkSession


def hoard(_):
    hoarded = []
    while True:
        hoarded.append(bytearray(b"x" * (16 << 20)))
        time.sleep(0.02)


spark = SparkSession.builder.getOrCreate()
spark.sparkContext.parallelize([0], 1).map(hoard).collect()
