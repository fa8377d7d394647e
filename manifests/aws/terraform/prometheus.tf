# Amazon Managed Service for Prometheus, and the role of the Prometheus that writes to it.

resource "aws_prometheus_workspace" "this" {
  alias = var.name
}

resource "aws_prometheus_workspace_configuration" "this" {
  workspace_id             = aws_prometheus_workspace.this.id
  retention_period_in_days = var.retention_days
}

resource "aws_iam_role" "ingest" {
  name               = "${var.name}-ingest"
  description        = "Prometheus in ${var.cluster_name} writes to the workspace ${var.name}"
  assume_role_policy = data.aws_iam_policy_document.ingest_trust.json
}

data "aws_iam_policy_document" "ingest_trust" {
  dynamic "statement" {
    for_each = data.aws_iam_openid_connect_provider.this

    content {
      actions = ["sts:AssumeRoleWithWebIdentity"]

      principals {
        type        = "Federated"
        identifiers = [statement.value.arn]
      }
      condition {
        test     = "StringEquals"
        variable = "${local.issuer}:aud"
        values   = ["sts.amazonaws.com"]
      }
      condition {
        test     = "StringEquals"
        variable = "${local.issuer}:sub"
        values   = ["system:serviceaccount:${var.prometheus_service_account.namespace}:${var.prometheus_service_account.name}"]
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
        values   = [var.prometheus_service_account.namespace]
      }
      condition {
        test     = "StringEquals"
        variable = "aws:RequestTag/kubernetes-service-account"
        values   = [var.prometheus_service_account.name]
      }
    }
  }
}

resource "aws_iam_role_policy" "ingest" {
  name   = "remote-write"
  role   = aws_iam_role.ingest.id
  policy = data.aws_iam_policy_document.ingest.json
}

data "aws_iam_policy_document" "ingest" {
  statement {
    actions   = ["aps:RemoteWrite"]
    resources = [aws_prometheus_workspace.this.arn]
  }
}

resource "aws_eks_pod_identity_association" "ingest" {
  count = var.identity == "pod-identity" ? 1 : 0

  cluster_name    = data.aws_eks_cluster.this.name
  namespace       = var.prometheus_service_account.namespace
  service_account = var.prometheus_service_account.name
  role_arn        = aws_iam_role.ingest.arn
}
