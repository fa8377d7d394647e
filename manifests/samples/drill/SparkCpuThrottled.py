"""Busy Python workers in an executor that may use a fifth of a core.

minutes: 20
conf: spark.kubernetes.executor.limit.cores=0.2
"""

import time

from pyspark.sql import SparkSession


def burn(number):
    end = time.time() + 20
    while time.time() < end:
        number = (number * 31 + 7) % 1_000_003
    return number


spark = SparkSession.builder.getOrCreate()
end = time.time() + 40 * 60
while time.time() < end:
    spark.sparkContext.parallelize(range(2), 2).map(burn).count()
