terraform {
  required_version = "~> 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }
}

# No provider block: a module has none, and whoever calls it says region and account. Applied by itself, it takes
# both from the environment (AWS_REGION, AWS_PROFILE).
