# For each namespace: an EMR virtual cluster, the role of its jobs, and where their logs go.

resource "aws_emrcontainers_virtual_cluster" "team" {
  for_each = var.namespaces

  name = "${var.name}-${each.key}"

  container_provider {
    id   = data.aws_eks_cluster.this.name
    type = "EKS"

    info {
      eks_info {
        namespace = each.key
      }
    }
  }

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
}

resource "aws_iam_role" "job" {
  for_each = var.namespaces

  name               = "${var.name}-${each.key}"
  description        = "Spark jobs in ${each.key} of ${var.cluster_name}"
  assume_role_policy = data.aws_iam_policy_document.job_trust[each.key].json
}

# EMR makes the service accounts when a job is submitted, and puts into their names the account and
# the name of this role (in base 36, which Terraform cannot compute).
data "aws_iam_policy_document" "job_trust" {
  for_each = var.namespaces

  dynamic "statement" {
    for_each = data.aws_iam_openid_connect_provider.this

    content {
      actions = ["sts:AssumeRoleWithWebIdentity"]

      principals {
        type        = "Federated"
        identifiers = [statement.value.arn]
      }
      condition {
        test     = "StringLike"
        variable = "${local.issuer}:sub"
        values   = ["system:serviceaccount:${each.key}:emr-containers-sa-*-*-${local.account}-*"]
      }
    }
  }

  dynamic "statement" {
    for_each = var.identity == "pod-identity" ? [1] : []

    content {
      actions = ["sts:AssumeRole", "sts:TagSession"]

      principals {
        type        = "Service"
        identifiers = ["pods.eks.amazonaws.com"]
      }
      condition {
        test     = "StringEquals"
        variable = "aws:RequestTag/eks-cluster-name"
        values   = [var.cluster_name]
      }
      condition {
        test     = "StringEquals"
        variable = "aws:RequestTag/kubernetes-namespace"
        values   = [each.key]
      }
    }
  }
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
    resources = ["arn:${local.partition}:logs:${var.region}:${local.account}:log-group:*"]
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
