"""Tasks that do nothing for more than an hour, on eight cores. Provokes SparkCpuOversized as well.

minutes: 36
conf: spark.executor.cores=8
"""

import time

from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
spark.sparkContext.parallelize(range(2), 2).count()
spark.sparkContext.parallelize(range(2), 2).map(lambda _: time.sleep(70 * 60)).count()
