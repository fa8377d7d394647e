//! The dashboard that the AWS walkthrough imports ("Spark - EMR On EKS", number 18387 of Grafana's
//! catalogue): what it asks of Spark itself, written by hand from its panels and variables. Its other
//! queries concern kube-state-metrics, the kubelet and node exporter, and have nothing to do with us.

/// The job's id as the dashboard has it, part of Spark's application id on EMR on EKS.
const JOB: &str = "$job_id";

/// Selectors of its panels and variables. `$id` stands for the job's id in Spark's own metric names.
const ASKED: [&str; 14] = [
    r#"spark_info{emr_containers_amazonaws_com_virtual_cluster_id="$vc_id"}"#,
    r#"spark_info{emr_containers_amazonaws_com_job_id="$job_id"}"#,
    r#"spark_info{emr_containers_amazonaws_com_job_id="$job_id",emr_containers_amazonaws_com_virtual_cluster_id="$vc_id"}"#,
    r#"{__name__=~"metrics_.*_DAGScheduler_stage_runningStages_Value",__name__=~".*$id.*"}"#,
    r#"{__name__=~"metrics_.*_appStatus_stages_completedStages_Count",__name__=~".*$id.*"}"#,
    r#"{__name__=~"metrics_.*_appStatus_stages_failedStages_Count",__name__=~".*$id.*"}"#,
    r#"{__name__=~"metrics_.*_appStatus_tasks_skippedTasks_Count",__name__=~".*$id.*"}"#,
    r#"metrics_executor_completedTasks_total{pod="$Pod",executor_id!="driver"}"#,
    r#"metrics_executor_failedTasks_total{pod="$Pod",executor_id!="driver"}"#,
    r#"metrics_executor_activeTasks{pod="$Pod",executor_id!="driver"}"#,
    r#"metrics_executor_totalShuffleWrite_bytes_total{pod=~"$Pod",executor_id!="driver"}"#,
    r#"metrics_executor_totalShuffleRead_bytes_total{pod=~"$Pod",executor_id!="driver"}"#,
    r#"metrics_executor_JVMHeapMemory_bytes{pod="$Pod"}"#,
    r#"metrics_executor_JVMOffHeapMemory_bytes{pod="$Pod"}"#,
];

/// Its queries for that job; `application` is Spark's id of it, which holds the job's id on EMR.
pub(crate) fn queries(job: &str, cluster: &str, pod: &str, application: &str) -> Vec<String> {
    let id: String =
        application.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let put = |query: &&str| {
        let query = query.replace(JOB, job).replace("$vc_id", cluster);
        query.replace("$Pod", pod).replace("$id", &id)
    };
    ASKED.iter().map(put).collect()
}
