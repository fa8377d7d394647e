"""A job that takes more memory than it may have, in its JVM or in a Python worker.

    spark-submit greedy.py jvm|worker
"""

import sys
import time

from pyspark.sql import SparkSession

CHUNK = 16 << 20


def hoard(_):
    """Takes memory until something ends it."""
    hoarded = []
    while True:
        hoarded.append(bytearray(b"x" * CHUNK))
        time.sleep(0.02)


def main(where):
    spark = SparkSession.builder.getOrCreate()
    print("greedy now", flush=True)
    if where == "worker":
        spark.sparkContext.parallelize([0], 1).map(hoard).collect()
    arrays = spark.sparkContext._jvm.java.util.Arrays
    hoarded = []
    while True:
        # A copy that is written to: what is only reserved costs nothing.
        hoarded.append(arrays.copyOf(bytes(CHUNK), CHUNK))
        time.sleep(0.02)


if __name__ == "__main__":
    main(sys.argv[1])
