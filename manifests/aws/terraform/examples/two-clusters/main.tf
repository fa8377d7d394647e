# Two clusters, each with a Prometheus workspace and virtual clusters of its own; one Grafana for both.
#
#   terraform -chdir=manifests/aws/terraform/examples/two-clusters init
#   terraform -chdir=manifests/aws/terraform/examples/two-clusters apply -var region=REGION
#
# In a repository of your own, `source` is this folder's place in Emberscope's, with a version:
# "git::https://github.com/emberscope/emberscope.git//manifests/aws/terraform?ref=v0.1.0"
terraform {
  required_version = "~> 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }
}

variable "region" {
  description = "Region of both clusters."
  type        = string
}

provider "aws" {
  region = var.region
}

module "analytics" {
  source = "../.."

  name         = "analytics"
  cluster_name = "analytics"
  namespaces   = ["emr-data-team-a", "emr-data-team-b"]
}

module "finance" {
  source = "../.."

  # Names of roles, workspaces and log groups start with it, so it is another one.
  name         = "finance"
  cluster_name = "finance"
  namespaces   = ["emr-finance"]
  identity     = "pod-identity"
  grafana      = false
}

# What each cluster's manifests/overlays/amp/amp.env has to say: `terraform output -json amp_env`.
output "amp_env" {
  value = {
    analytics = module.analytics.amp_env
    finance   = module.finance.amp_env
  }
}
