"""The driver's Python takes memory until the kernel kills it, and the driver with it.

minutes: 2
"""

import time

from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
spark.sparkContext.parallelize(range(2), 2).count()
time.sleep(30)
hoard = []
while True:
    hoard.append(bytearray(16 << 20))
    time.sleep(0.1)
