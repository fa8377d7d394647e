"""A job with everything that the dashboards show, in rounds until a file is there.

    spark-submit --py-files fares.py everything.py FOLDER

Python workers, shuffles, a cached table, input and output, a task that fails once, and a streaming
query with a state. It ends when FOLDER/enough is there.
"""

import os
import sys
import time

from pyspark import TaskContext
from pyspark.sql import SparkSession
from pyspark.sql import functions as sql
from pyspark.sql.types import DoubleType

import fares

ROWS = 20_000


def fail_at_first(rows):
    """Fails in its first attempt: Spark tries again."""
    if TaskContext.get().attemptNumber() == 0:
        raise ValueError("the first attempt fails, as it should")
    return rows


def stream(spark, folder):
    """A streaming query that counts by minute, late by at most ten seconds."""
    rates = spark.readStream.format("rate").option("rowsPerSecond", 20).load()
    counts = rates.withWatermark("timestamp", "10 seconds").groupBy(sql.window("timestamp", "5 seconds")).count()
    writer = counts.writeStream.queryName("rates").format("memory").outputMode("append")
    return writer.option("checkpointLocation", os.path.join(folder, "checkpoint")).start()


def one_round(spark, folder, table, fare):
    """Writes, reads, and shuffles, with Python in between."""
    rows = os.path.join(folder, "rows")
    table.withColumn("fare", fare("distance", "hour")).write.mode("overwrite").parquet(rows)
    again = spark.read.parquet(rows)
    again.groupBy("zone").agg(sql.sum("fare")).orderBy("zone").collect()
    again.join(table.hint("shuffle_hash"), "trip").groupBy("hour").count().count()


def main(folder):
    spark = SparkSession.builder.getOrCreate()
    # A few partitions suffice, and the stream's state has as many.
    spark.conf.set("spark.sql.shuffle.partitions", "4")
    spark.sparkContext.parallelize(range(2), 2).mapPartitions(fail_at_first).count()
    query = stream(spark, folder)
    fare = sql.udf(fares.fare, DoubleType())
    table = spark.range(0, ROWS, 1, 4).select(
        sql.col("id").alias("trip"),
        (sql.rand(11) * 97).cast("int").alias("zone"),
        (sql.rand(13) * 30).alias("distance"),
        (sql.rand(17) * 24).cast("int").alias("hour"),
    ).cache()
    while not os.path.exists(os.path.join(folder, "enough")):
        one_round(spark, folder, table, fare)
        time.sleep(0.2)
    query.stop()
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1])
