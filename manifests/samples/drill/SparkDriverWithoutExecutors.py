"""Executors of an image that cannot be pulled.

minutes: 12
conf: spark.kubernetes.executor.container.image=registry.invalid/none:1
"""

from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
spark.sparkContext.parallelize(range(2), 2).count()
