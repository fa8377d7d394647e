"""A job whose driver fills its heap, and with it its container."""

from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
spark.range(0, 1000, 1, 2).selectExpr("sum(id)").collect()
arrays = spark.sparkContext._jvm.java.util.Arrays
hoarded = []
while True:
    # A copy that is written to: what is only reserved costs nothing.
    hoarded.append(arrays.copyOf(bytes(16 << 20), 16 << 20))
