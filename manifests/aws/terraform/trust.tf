# Which pods may take which role: by IRSA or by EKS Pod Identity, as the variable `identity` says.

locals {
  pods = merge(
    {
      prometheus = {
        namespace       = var.prometheus_service_account.namespace
        service_account = var.prometheus_service_account.name
      }
    },
    # EMR makes the service accounts of jobs when one is submitted, and puts into their names the account
    # and the name of the role (in base 36, which Terraform cannot compute).
    { for namespace in var.namespaces : "job/${namespace}" => {
      namespace       = namespace
      service_account = "emr-containers-sa-*-*-${local.account}-*"
    } },
  )
}

data "aws_iam_policy_document" "trust" {
  for_each = local.pods

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
        test     = "StringLike"
        variable = "${local.issuer}:sub"
        values   = ["system:serviceaccount:${each.value.namespace}:${each.value.service_account}"]
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
        values   = [each.value.namespace]
      }
      condition {
        test     = "StringLike"
        variable = "aws:RequestTag/kubernetes-service-account"
        values   = [each.value.service_account]
      }
    }
  }
}
