# A bucket for scripts and data, if one is wanted. S3 encrypts it and keeps the public out by default.

resource "aws_s3_bucket" "jobs" {
  count = var.bucket ? 1 : 0

  bucket        = "${var.name}-${local.account}-${local.region}"
  force_destroy = true
  tags          = local.tags
}

locals {
  job_bucket_arns = concat(aws_s3_bucket.jobs[*].arn, tolist(var.job_bucket_arns))
}
