# Amazon Managed Service for Prometheus, and the role of the Prometheus that writes to it.

resource "aws_prometheus_workspace" "this" {
  alias = var.name
  tags  = local.tags
}

resource "aws_prometheus_workspace_configuration" "this" {
  workspace_id             = aws_prometheus_workspace.this.id
  retention_period_in_days = var.retention_days
}

resource "aws_iam_role" "ingest" {
  name               = "${var.name}-ingest"
  description        = "Prometheus in ${var.cluster_name} writes to the workspace ${var.name}"
  assume_role_policy = data.aws_iam_policy_document.trust["prometheus"].json
  tags               = local.tags
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
  tags            = local.tags
}
