"""One of five tasks takes forty minutes, while the other executors wait.

minutes: 15
conf: spark.executor.instances=5
"""

import time

from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
tasks = spark.sparkContext.parallelize(range(5), 5)
tasks.map(lambda task: time.sleep(40 * 60 if task == 0 else 2)).count()
