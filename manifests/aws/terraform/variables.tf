variable "cluster_name" {
  description = "Name of the EKS cluster, which has to exist."
  type        = string

  validation {
    condition     = can(regex("^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$", var.cluster_name))
    error_message = "A name of an EKS cluster: up to 100 letters, digits, - and _. `aws eks list-clusters` has them."
  }
}

variable "name" {
  description = "Start of the name of everything that is made here, and value of its tag emberscope.dev/walkthrough."
  type        = string
  default     = "emberscope"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,19}$", var.name))
    error_message = "2 to 20 lower-case letters, digits and -, a letter first: it starts names of IAM roles and of a bucket."
  }
}

variable "tags" {
  description = "More tags for everything that is made here."
  type        = map(string)
  default     = {}

  validation {
    condition     = !contains(keys(var.tags), "emberscope.dev/walkthrough")
    error_message = "The tag emberscope.dev/walkthrough is set from `name`."
  }
}

variable "identity" {
  description = "How pods get their roles: irsa (the cluster has an IAM OIDC provider) or pod-identity (the cluster runs the add-on eks-pod-identity-agent)."
  type        = string
  default     = "irsa"

  validation {
    condition     = contains(["irsa", "pod-identity"], var.identity)
    error_message = "irsa or pod-identity."
  }
}

variable "prometheus_service_account" {
  description = "Service account of the Prometheus that writes to the workspace; the default is that of manifests/overlays/amp."
  type = object({
    namespace = string
    name      = string
  })
  default = {
    namespace = "emberscope-monitoring"
    name      = "emberscope-prometheus"
  }

  validation {
    condition = alltrue([for part in values(var.prometheus_service_account) :
    can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", part))])
    error_message = "Names of a namespace and of a service account in the cluster."
  }
}

variable "retention_days" {
  description = "For how many days the workspace keeps samples."
  type        = number
  default     = 150

  validation {
    condition     = var.retention_days >= 1 && var.retention_days <= 1095 && floor(var.retention_days) == var.retention_days
    error_message = "A whole number of days, 1 to 1095."
  }
}

variable "alerts" {
  description = "Whether Amazon Managed Prometheus evaluates the rules and sends the alerts, to SNS topics. Then no Prometheus in the cluster may evaluate them: manifests/overlays/amp says how."
  type        = bool
  default     = false
}

variable "grafana" {
  description = "Whether to make an Amazon Managed Grafana workspace; one that exists can use the role `query_role_arn`."
  type        = bool
  default     = true
}

variable "grafana_version" {
  description = "Version of Grafana in the workspace; `aws grafana list-versions` has them. AWS changes none by itself."
  type        = string
  default     = "10.4"

  validation {
    condition     = can(regex("^[0-9]+[.][0-9]+$", var.grafana_version))
    error_message = "A version such as 10.4."
  }
}

variable "grafana_authentication" {
  description = "How people sign in to Grafana: AWS_SSO (IAM Identity Center has to be on in the account's organization), SAML, or both."
  type        = set(string)
  default     = ["AWS_SSO"]

  validation {
    condition     = length(var.grafana_authentication) > 0 && length(setsubtract(var.grafana_authentication, ["AWS_SSO", "SAML"])) == 0
    error_message = "AWS_SSO, SAML, or both."
  }
}

variable "namespaces" {
  description = "Namespaces that get an EMR virtual cluster each. They have to exist: kubectl apply -k manifests/aws/namespaces."
  type        = set(string)
  default     = ["emr-data-team-a", "emr-data-team-b"]

  validation {
    condition     = alltrue([for namespace in var.namespaces : can(regex("^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$", namespace))])
    error_message = "Names of namespaces of at most 40 characters: they end names of IAM roles."
  }
}

variable "emr_access" {
  description = "How EMR gets into the namespaces: access-entry (EMR makes it itself; the cluster's authentication mode is API or API_AND_CONFIG_MAP) or aws-auth (you have run `eksctl create iamidentitymapping --service-name emr-containers`)."
  type        = string
  default     = "access-entry"

  validation {
    condition     = contains(["access-entry", "aws-auth"], var.emr_access)
    error_message = "access-entry or aws-auth."
  }
}

variable "log_retention_days" {
  description = "For how many days CloudWatch keeps the logs of jobs."
  type        = number
  default     = 14

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365], var.log_retention_days)
    error_message = "1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180 or 365: CloudWatch takes no others up to a year."
  }
}

variable "bucket" {
  description = "Whether to make an S3 bucket for scripts and data of the jobs. `terraform destroy` deletes what is in it."
  type        = bool
  default     = false
}

variable "job_bucket_arns" {
  description = "Buckets that exist and that jobs may read and write."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.job_bucket_arns : can(regex("^arn:aws[a-z-]*:s3:::[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", arn))])
    error_message = "ARNs of buckets, such as arn:aws:s3:::my-bucket, without a path."
  }
}
