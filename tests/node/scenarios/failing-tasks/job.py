"""A job of which one task fails in every attempt."""

from pyspark.sql import SparkSession


def fail(index, rows):
    if index == 1:
        raise ValueError("as this task should")
    return rows


spark = SparkSession.builder.getOrCreate()
spark.sparkContext.parallelize(range(8), 4).mapPartitionsWithIndex(fail).count()
