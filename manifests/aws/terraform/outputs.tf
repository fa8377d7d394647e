output "amp_env" {
  description = "What manifests/overlays/amp/amp.env has to say: `terraform output -raw amp_env` prints it."
  value       = <<-ENV
    REGION=${local.region}
    WORKSPACE=${aws_prometheus_workspace.this.id}
    ROLE_ARN=${var.identity == "irsa" ? aws_iam_role.ingest.arn : ""}
    CLUSTER=${var.cluster_name}
    PRESET=essential
  ENV
}

output "remote_write_url" {
  description = "Where a Prometheus of your own writes to: `url` of its `remote_write`."
  value       = "${aws_prometheus_workspace.this.prometheus_endpoint}api/v1/remote_write"
}

output "query_url" {
  description = "URL of the Prometheus data source in Grafana (SigV4, region `region`)."
  value       = aws_prometheus_workspace.this.prometheus_endpoint
}

output "region" {
  description = "Region of `sigv4`, for Prometheus and for Grafana."
  value       = local.region
}

output "workspace_id" {
  description = "Amazon Managed Prometheus workspace."
  value       = aws_prometheus_workspace.this.id
}

output "ingest_role_arn" {
  description = "Role of Prometheus: annotation eks.amazonaws.com/role-arn of its service account, where identity is irsa."
  value       = aws_iam_role.ingest.arn
}

output "query_role_arn" {
  description = "Role of Grafana."
  value       = aws_iam_role.query.arn
}

output "alert_topic_arns" {
  description = "SNS topic of each receiver, to subscribe to: page, tickets, tuning and heartbeat, which an alarm watches."
  value       = { for name, topic in aws_sns_topic.alerts : name => topic.arn }
}

output "grafana_url" {
  description = "Amazon Managed Grafana, where one was made."
  value       = one([for workspace in aws_grafana_workspace.this : "https://${workspace.endpoint}"])
}

output "grafana_workspace_id" {
  description = "Amazon Managed Grafana workspace, where one was made."
  value       = one(aws_grafana_workspace.this[*].id)
}

output "virtual_cluster_ids" {
  description = "EMR virtual cluster of each namespace."
  value       = { for namespace, cluster in aws_emrcontainers_virtual_cluster.team : namespace => cluster.id }
}

output "job_role_arns" {
  description = "Role of the jobs in each namespace."
  value       = { for namespace, role in aws_iam_role.job : namespace => role.arn }
}

output "log_groups" {
  description = "CloudWatch log group of each namespace."
  value       = { for namespace, group in aws_cloudwatch_log_group.team : namespace => group.name }
}

output "bucket" {
  description = "Bucket for scripts and data, where one was made."
  value       = one(aws_s3_bucket.jobs[*].bucket)
}

output "start_job_run" {
  description = "Submits the sample job in each namespace."
  value = { for namespace, cluster in aws_emrcontainers_virtual_cluster.team : namespace => join(" ", [
    "manifests/samples/start-job-run.sh",
    "--region ${local.region}",
    "--virtual-cluster-id ${cluster.id}",
    "--execution-role-arn ${aws_iam_role.job[namespace].arn}",
    "--log-group ${aws_cloudwatch_log_group.team[namespace].name}",
  ]) }
}

output "role_associations" {
  description = "What is left to run where identity is pod-identity, before the first job: one command for each namespace."
  value = var.identity == "pod-identity" ? [for namespace, role in aws_iam_role.job :
  "aws emr-containers create-role-associations --region ${local.region} --cluster-name ${var.cluster_name} --namespace ${namespace} --role-name ${role.name}"] : []
}
