terraform {
  required_version = "~> 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }
}

# Every resource carries the tag that cleanup.sh goes by.
provider "aws" {
  region = var.region

  default_tags {
    tags = merge(var.tags, { "emberscope.dev/walkthrough" = var.name })
  }
}
