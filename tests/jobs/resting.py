"""Some work, and then a rest: what looking at Spark costs is seen best when it does nothing else.

    spark-submit --py-files fares.py resting.py
"""

import time

from pyspark.sql import SparkSession
from pyspark.sql import functions as sql
from pyspark.sql.types import DoubleType, StringType

import fares
import trips


def main():
    spark = SparkSession.builder.getOrCreate()
    table = trips.trips(spark).cache()
    fare = sql.udf(fares.fare, DoubleType())
    route = sql.udf(fares.route, StringType())
    trips.one_round(spark, table, fare, route)
    print("resting", flush=True)
    time.sleep(3600)


if __name__ == "__main__":
    main()
