# The role that may query, and Amazon Managed Grafana, which takes it.

resource "aws_iam_role" "query" {
  name               = "${var.name}-query"
  description        = "Grafana queries the workspace ${var.name}"
  assume_role_policy = data.aws_iam_policy_document.query_trust.json
  tags               = local.tags
}

data "aws_iam_policy_document" "query_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["grafana.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
}

resource "aws_iam_role_policy" "query" {
  name   = "query"
  role   = aws_iam_role.query.id
  policy = data.aws_iam_policy_document.query.json
}

data "aws_iam_policy_document" "query" {
  statement {
    actions = [
      "aps:DescribeWorkspace",
      "aps:GetLabels",
      "aps:GetMetricMetadata",
      "aps:GetSeries",
      "aps:QueryMetrics",
    ]
    resources = [aws_prometheus_workspace.this.arn]
  }

  # Grafana's page of AWS data sources offers a choice of workspaces; listing knows no narrower resource.
  statement {
    actions   = ["aps:ListWorkspaces"]
    resources = ["*"]
  }
}

resource "aws_grafana_workspace" "this" {
  count = var.grafana ? 1 : 0

  name                     = var.name
  description              = "Spark on ${var.cluster_name}"
  account_access_type      = "CURRENT_ACCOUNT"
  authentication_providers = var.grafana_authentication
  permission_type          = "CUSTOMER_MANAGED"
  role_arn                 = aws_iam_role.query.arn
  data_sources             = ["PROMETHEUS"]
  grafana_version          = var.grafana_version
  tags                     = local.tags
}
