"""A job that takes more memory than it may have, in its JVM or in a Python worker.

    spark-submit greedy.py jvm|worker
"""

import sys
import time

from pyspark.sql import SparkSession

CHUNK = 16 << 20
# In seconds: it is scraped once before.
AT_FIRST = 8


def hoard(_):
    """Takes memory until something ends it."""
    hoarded = []
    while True:
        hoarded.append(bytearray(b"x" * CHUNK))
        time.sleep(0.02)


def main(where):
    spark = SparkSession.builder.getOrCreate()
    time.sleep(AT_FIRST)
    print("greedy now", flush=True)
    if where == "worker":
        spark.sparkContext.parallelize([0], 1).map(hoard).collect()
    java = spark.sparkContext._jvm.java
    # In a list of Java's: arrays of bytes come over to Python, where the kernel may find more to kill for.
    hoarded = java.util.ArrayList()
    while True:
        hoarded.add(java.nio.ByteBuffer.allocate(CHUNK))
        time.sleep(0.02)


if __name__ == "__main__":
    main(sys.argv[1])
