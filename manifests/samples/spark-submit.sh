#!/bin/sh
# A job by plain spark-submit, in a namespace that is labelled (namespace.yaml). It says nothing
# about metrics. Needs the service account `spark` there, with the right to create pods:
#   kubectl -n spark-jobs create serviceaccount spark
#   kubectl -n spark-jobs create rolebinding spark --clusterrole=edit --serviceaccount=spark-jobs:spark
set -eu

exec "${SPARK_HOME:?set SPARK_HOME to a Spark distribution}/bin/spark-submit" \
    --master "k8s://$(kubectl config view --minify --output 'jsonpath={.clusters[0].cluster.server}')" \
    --deploy-mode cluster \
    --name spark-pi \
    --class org.apache.spark.examples.SparkPi \
    --conf spark.kubernetes.namespace=spark-jobs \
    --conf spark.kubernetes.authenticate.driver.serviceAccountName=spark \
    --conf spark.kubernetes.container.image=spark:3.5.6 \
    --conf spark.executor.instances=2 \
    local:///opt/spark/examples/jars/spark-examples.jar 5000
