use super::*;

fn exception_in(text: &str) -> Exception {
    read(text).exception.unwrap()
}

#[test]
fn the_innermost_cause_of_java_is_found_and_what_ends_is_passed_over() {
    let found = exception_in(
        "26/11/28 10:22:01 WARN TaskSetManager: Lost task 0.0 in stage 0.0: java.io.EOFException: x
Exception in thread \"main\" org.apache.spark.SparkException: Job failed
\tat org.apache.spark.Foo.bar(Foo.scala:1)
\tat com.shop.Orders$.main(Orders.scala:41)
Caused by: java.lang.RuntimeException: wrapped
Caused by: java.io.FileNotFoundException: s3://bucket/orders
\tat org.apache.hadoop.fs.X.open(X.java:2)
26/11/28 10:22:02 INFO SparkContext: Invoking stop() from shutdown hook
java.util.concurrent.RejectedExecutionException: gone
",
    );
    assert_eq!(found.class, "java.io.FileNotFoundException");
    assert_eq!(found.message, "s3://bucket/orders");
    assert!(found.uncaught);
    assert_eq!(found.place.as_deref(), Some("com.shop.Orders$.main(Orders.scala:41)"));
}

#[test]
fn a_workers_exception_is_found_inside_of_the_jvms_inside_of_the_drivers() {
    let found = exception_in(
        "Traceback (most recent call last):
  File \"/opt/jobs/orders.py\", line 12, in <module>
    main()
  File \"/opt/spark/python/lib/pyspark.zip/pyspark/rdd.py\", line 1833, in collect
py4j.protocol.Py4JJavaError: An error occurred while calling z:org.apache.spark.api.python.PythonRDD.collectAndServe.
: org.apache.spark.SparkException: Job aborted due to stage failure: Task 0 in stage 0.0 failed 4 times, most recent failure: Lost task 0.3 in stage 0.0 (TID 3) (10.0.0.7 executor 1): org.apache.spark.api.python.PythonException: Traceback (most recent call last):
  File \"/opt/spark/python/lib/pyspark.zip/pyspark/worker.py\", line 1247, in main
    process()
  File \"/opt/jobs/orders.py\", line 7, in parse
    return int(row)
ValueError: invalid literal for int() with base 10: 'x'

\tat org.apache.spark.api.python.BasePythonRunner$ReaderIterator.handlePythonException(PythonRunner.scala:572)
Driver stacktrace:
\tat org.apache.spark.scheduler.DAGScheduler.failJobAndIndependentStages(DAGScheduler.scala:2856)
Caused by: org.apache.spark.api.python.PythonException: Traceback (most recent call last):
  File \"/opt/jobs/orders.py\", line 7, in parse
ValueError: invalid literal for int() with base 10: 'x'
",
    );
    assert_eq!(found.class, "ValueError");
    assert_eq!(found.place.as_deref(), Some("orders.py:7, in parse"));
    assert!(found.uncaught && found.in_task && found.language == Language::Python);
}

#[test]
fn a_lost_executor_is_told_by_the_stages_failure() {
    let found = exception_in(
        "Exception in thread \"main\" org.apache.spark.SparkException: Job aborted due to stage failure: Task 0 in stage 0.0 failed 4 times, most recent failure: Lost task 0.3 in stage 0.0: ExecutorLostFailure (executor 4 exited caused by one of the running tasks) Reason: The executor with id 4 exited with exit code 137(SIGKILL, possible container OOM).
Driver stacktrace:
\tat org.apache.spark.scheduler.DAGScheduler.x(DAGScheduler.scala:1)
",
    );
    assert_eq!(found.class, "org.apache.spark.SparkException");
    assert!(found.message.contains("exit code 137") && found.in_task);
}

#[test]
fn a_log_without_an_exception_has_none_and_a_hostile_one_does_no_harm() {
    assert_eq!(read("all is well\nTraceback (most recent call last):\n").exception, None);
    assert_eq!(read("").exception, None);
    let line = format!("java.lang.Error: {}", "ü".repeat(5 << 20));
    assert!(exception_in(&line).message.len() <= LINE);
    assert_eq!(read(&"a\n".repeat(100_000)).tail.len(), TAIL);
}
