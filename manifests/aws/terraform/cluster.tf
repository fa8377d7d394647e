# What is there already, and who may act for it.

data "aws_caller_identity" "this" {}

data "aws_partition" "this" {}

data "aws_region" "this" {}

data "aws_eks_cluster" "this" {
  name = var.cluster_name
}

# Fails with "couldn't find resource" where the account has no OIDC provider of that URL; README.md has the remedy.
data "aws_iam_openid_connect_provider" "this" {
  count = var.identity == "irsa" ? 1 : 0
  url   = data.aws_eks_cluster.this.identity[0].oidc[0].issuer
}

locals {
  account   = data.aws_caller_identity.this.account_id
  partition = data.aws_partition.this.partition
  region    = data.aws_region.this.region
  issuer    = trimprefix(data.aws_eks_cluster.this.identity[0].oidc[0].issuer, "https://")

  # On every resource: cleanup.sh goes by it.
  tags = merge(var.tags, { "emberscope.dev/walkthrough" = var.name })
}
