"""A job whose executor fills its heap, and with it its container."""

from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
rows = spark.range(0, 10_000_000, 1, 1).selectExpr("repeat(cast(id as string), 100) as text")
rows.selectExpr("collect_list(text) as texts").selectExpr("size(texts)").collect()
