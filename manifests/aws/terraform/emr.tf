# For each namespace: an EMR virtual cluster, the role of its jobs, and where their logs go.

resource "aws_emrcontainers_virtual_cluster" "team" {
  for_each = var.namespaces

  name = "${var.name}-${each.key}"
  tags = local.tags

  container_provider {
    id   = data.aws_eks_cluster.this.name
    type = "EKS"

    info {
      eks_info {
        namespace = each.key
      }
    }
  }

  # `terraform destroy` goes the other way round: EMR lets go of the namespace before its jobs lose their
  # role and their logs.
  depends_on = [aws_iam_role_policy.job, aws_cloudwatch_log_group.team]

  lifecycle {
    precondition {
      condition     = var.emr_access == "aws-auth" || data.aws_eks_cluster.this.access_config[0].authentication_mode != "CONFIG_MAP"
      error_message = "EMR cannot make its access entry: the cluster's authentication mode is CONFIG_MAP. Either run `aws eks update-cluster-config --name ${var.cluster_name} --access-config authenticationMode=API_AND_CONFIG_MAP` (there is no way back), or run `eksctl create iamidentitymapping --cluster ${var.cluster_name} --namespace ${each.key} --service-name emr-containers` and set emr_access = \"aws-auth\"."
    }
  }
}

resource "aws_cloudwatch_log_group" "team" {
  for_each = var.namespaces

  name              = "/${var.name}/${var.cluster_name}/${each.key}"
  retention_in_days = var.log_retention_days
  tags              = local.tags
}

resource "aws_iam_role" "job" {
  for_each = var.namespaces

  name               = "${var.name}-${each.key}"
  description        = "Spark jobs in ${each.key} of ${var.cluster_name}"
  assume_role_policy = data.aws_iam_policy_document.trust["job/${each.key}"].json
  tags               = local.tags
}

resource "aws_iam_role_policy" "job" {
  for_each = var.namespaces

  name   = "job"
  role   = aws_iam_role.job[each.key].id
  policy = data.aws_iam_policy_document.job[each.key].json
}

data "aws_iam_policy_document" "job" {
  for_each = var.namespaces

  statement {
    actions = [
      "logs:CreateLogStream",
      "logs:DescribeLogStreams",
      "logs:PutLogEvents",
    ]
    resources = ["${aws_cloudwatch_log_group.team[each.key].arn}:*"]
  }

  # Of the log agent, which looks for its group before it writes.
  statement {
    actions   = ["logs:DescribeLogGroups"]
    resources = ["arn:${local.partition}:logs:${local.region}:${local.account}:log-group:*"]
  }

  dynamic "statement" {
    for_each = length(local.job_bucket_arns) > 0 ? [1] : []

    content {
      actions   = ["s3:ListBucket"]
      resources = local.job_bucket_arns
    }
  }

  dynamic "statement" {
    for_each = length(local.job_bucket_arns) > 0 ? [1] : []

    content {
      actions   = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
      resources = [for arn in local.job_bucket_arns : "${arn}/*"]
    }
  }
}
