"""A record that no task can read. Provokes SparkStagesFailed and SparkTasksFailing as well.

minutes: 2
"""

import sys
import time

from pyspark.sql import SparkSession


def read(record):
    if record == 3:
        raise ValueError("a broken record")
    return record


spark = SparkSession.builder.getOrCreate()
for _ in range(12):
    try:
        spark.sparkContext.parallelize(range(4), 4).map(read).count()
    except Exception as error:  # What Spark throws is a Py4JJavaError.
        print(str(error)[:200], file=sys.stderr)
    time.sleep(20)
sys.exit(3)
