"""A job with one fault, or with none, for `emberscope why` to find.

    spark-submit --py-files fares.py faults.py FAULT SECONDS
"""

import os
import sys
import time

from pyspark import TaskContext
from pyspark.sql import SparkSession
from pyspark.sql import functions as sql


def broken_record(spark, seconds):
    """A record that is no number."""
    rows = spark.sparkContext.parallelize(["1", "2", "three", "4"], 4)
    rows.map(lambda row: int(row)).sum()


def driver_error(spark, seconds):
    """An exception of the driver's own, after work that was fine."""
    spark.range(1000).count()
    raise KeyError("region")


def missing_input(spark, seconds):
    """A path that nobody has written."""
    spark.read.parquet("/nowhere/orders/2026-11-28").count()


def missing_column(spark, seconds):
    """A column that was renamed."""
    spark.range(10).select("order_id").show()


def missing_module(spark, seconds):
    """A package that is not in the image."""

    def parse(row):
        import not_installed_anywhere

        return not_installed_anywhere.parse(row)

    spark.sparkContext.parallelize([1], 1).map(parse).collect()


def heap(spark, seconds):
    """More in the driver's heap than there is room for."""
    clean(spark, 10)
    gateway = spark.sparkContext._gateway
    kept = []
    while True:
        kept.append(gateway.new_array(gateway.jvm.byte, 16 << 20))


def flaky(spark, seconds):
    """Tasks that fail the first time and succeed the second."""

    def once(index, rows):
        context = TaskContext.get()
        if context.attemptNumber() == 0 and index % 2 == 0:
            raise RuntimeError("connection reset by the shop's database")
        return rows

    end = time.monotonic() + seconds
    while time.monotonic() < end:
        spark.sparkContext.parallelize(range(60), 30).mapPartitionsWithIndex(once).count()


def killed_executors(spark, seconds):
    """Executors that end by themselves."""

    def leave(index, rows):
        if TaskContext.get().attemptNumber() == 0 and index == 0:
            os.system("kill -9 $(ps -o ppid= -p $(ps -o ppid= -p %d))" % os.getpid())
            time.sleep(30)
        return rows

    spark.sparkContext.parallelize(range(8), 4).mapPartitionsWithIndex(leave).count()
    clean(spark, seconds)


def driver_bound(spark, seconds):
    """The driver thinks while executors wait."""
    spark.range(1000).repartition(4).count()
    time.sleep(seconds)
    spark.range(1000).repartition(4).count()


def skew(spark, seconds):
    """One key of many has nearly all of the rows."""
    spark.conf.set("spark.sql.adaptive.enabled", "false")
    slow = sql.udf(lambda rows: [time.sleep(0.00002 * len(rows)), len(rows)][1], "int")
    key = sql.when(sql.col("id") % 10 < 9, sql.lit(0)).otherwise(sql.col("id") % 97)
    table = spark.range(0, int(seconds * 40_000), 1, 8).select(key.alias("key"), "id")
    grouped = table.groupBy("key").agg(sql.collect_list("id").alias("ids"))
    grouped.select(slow("ids").alias("rows")).agg(sql.sum("rows")).collect()
    clean(spark, seconds / 3)


def one_partition(spark, seconds):
    """All of the work is in one task."""
    burn = sql.udf(lambda row: [sum(range(2000)), row][1], "long")
    end = time.monotonic() + seconds
    spark.range(0, int(seconds * 12_000), 1, 8).coalesce(1).select(burn("id").alias("x")).agg(sql.sum("x")).collect()
    while time.monotonic() < end:
        time.sleep(0.2)


def tiny_tasks(spark, seconds):
    """Far more partitions than there is to do."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        spark.range(0, 4000, 1, 2000).selectExpr("sum(id)").collect()


def throttled(spark, seconds):
    """Four busy tasks under a limit of a fraction of a core."""
    busy(spark, seconds)


def clean(spark, seconds):
    """A little work, evenly."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        spark.range(0, 200_000, 1, 4).groupBy((sql.col("id") % 50).alias("key")).count().collect()


def busy(spark, seconds):
    """All cores, all of the time, evenly."""
    burn = sql.udf(lambda row: [sum(range(2000)), row][1], "long")
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        spark.range(0, 8000, 1, 4).select(burn("id").alias("x")).agg(sql.sum("x")).collect()


def caught(spark, seconds):
    """A job fails, and the program knows what to do then."""
    try:
        spark.sparkContext.parallelize(["x"], 1).map(lambda row: int(row)).collect()
    except Exception:
        print("no number, as it may be")
    clean(spark, seconds)


def cached(spark, seconds):
    """A table that is kept in memory."""
    table = spark.range(0, 300_000, 1, 4).selectExpr("id", "uuid() as name").cache()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        table.groupBy((sql.col("id") % 7).alias("key")).count().collect()


def main(fault, seconds):
    spark = SparkSession.builder.getOrCreate()
    print("%s now" % fault, flush=True)
    globals()[fault](spark, seconds)
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
