"""A job of a few seconds: it ends between two scrapes. What it does, Spark's event log tells.

    spark-submit short.py FOLDER
"""

import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as sql

ROWS = 20_000


def main(folder):
    spark = SparkSession.builder.getOrCreate()
    rows = spark.range(0, ROWS, 1, 4).withColumn("key", sql.col("id") % 97)
    rows.write.mode("overwrite").parquet(folder)
    again = spark.read.parquet(folder)
    again.groupBy("key").agg(sql.sum("id")).orderBy("key").collect()
    again.join(rows.hint("shuffle_hash"), "key").groupBy("key").count().count()
    # No spark.stop(): as many jobs do, this one leaves it to Spark's shutdown hook.


if __name__ == "__main__":
    main(sys.argv[1])
