"""The demonstration's Spark job: taxi trips, in rounds, until its time is over.

It has what a real job has, so that there is something to see: Python functions (and with them
Python workers), shuffles, a cached table, a skewed key, several jobs and stages per round. It
sets nothing that has to do with metrics.

    spark-submit --py-files fares.py trips.py SECONDS
"""

import sys
import time

from pyspark.sql import SparkSession
from pyspark.sql import functions as sql
from pyspark.sql.types import DoubleType, StringType

import fares

TRIPS = 60_000
ZONES = 240


def trips(spark):
    """Trips with a skewed zone: four of ten start in the same one."""
    zone = sql.when(sql.rand(7) < 0.4, sql.lit(0)).otherwise((sql.rand(11) * ZONES).cast("int"))
    return spark.range(0, TRIPS, 1, 4).select(
        sql.col("id").alias("trip"),
        zone.alias("zone"),
        (sql.rand(13) * 30).alias("distance"),
        (sql.rand(17) * 24).cast("int").alias("hour"),
    )


def one_round(spark, table, fare, route):
    """A handful of jobs: a join, an aggregate, an order, all of them with Python in between."""
    priced = table.withColumn("fare", fare("distance", "hour")).withColumn("route", route("zone", "trip"))
    zones = spark.range(ZONES).select(sql.col("id").cast("int").alias("zone"), (sql.col("id") % 7).alias("district"))

    spark.sparkContext.setJobDescription("fares by district and hour")
    priced.join(zones.hint("shuffle_hash"), "zone").groupBy("district", "hour").agg(
        sql.sum("fare"), sql.countDistinct("route")
    ).count()

    spark.sparkContext.setJobDescription("dearest routes")
    priced.groupBy("route").agg(sql.avg("fare").alias("mean")).orderBy(sql.desc("mean")).limit(20).collect()

    spark.sparkContext.setJobDescription("trips of the busiest zone, one partition")
    priced.repartition(6, "zone").where("fare > 20").groupBy("zone").count().orderBy(sql.desc("count")).first()


def main(seconds):
    spark = SparkSession.builder.getOrCreate()
    fare = sql.udf(fares.fare, DoubleType())
    route = sql.udf(fares.route, StringType())

    table = trips(spark).cache()
    spark.sparkContext.setJobDescription("cache the trips")
    table.count()

    end = time.monotonic() + seconds
    rounds = 0
    while time.monotonic() < end:
        one_round(spark, table, fare, route)
        rounds += 1
        print("round %d done" % rounds, flush=True)
    spark.stop()


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 60.0)
