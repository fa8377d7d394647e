# Rules and alerts in Amazon Managed Prometheus, where `alerts` asks for them: one namespace of rules, the alert
# manager's definition, and a topic for each of its receivers, to which people subscribe.

locals {
  receivers = toset(var.alerts ? ["page", "tickets", "tuning", "heartbeat"] : [])
}

resource "aws_prometheus_rule_group_namespace" "this" {
  count = var.alerts ? 1 : 0

  workspace_id = aws_prometheus_workspace.this.id
  name         = "emberscope"
  data         = file("${path.module}/../rules.yaml")
}

resource "aws_prometheus_alert_manager_definition" "this" {
  count = var.alerts ? 1 : 0

  workspace_id = aws_prometheus_workspace.this.id
  definition = templatefile("${path.module}/../alert-manager.yaml", merge(
    { region = local.region },
    { for name, topic in aws_sns_topic.alerts : name => topic.arn },
  ))

  # It is tried at once whether the topics may be written to.
  depends_on = [aws_sns_topic_policy.alerts]
}

resource "aws_sns_topic" "alerts" {
  for_each = local.receivers

  name = "${var.name}-${each.key}"
  tags = local.tags
}

resource "aws_sns_topic_policy" "alerts" {
  for_each = aws_sns_topic.alerts

  arn    = each.value.arn
  policy = data.aws_iam_policy_document.alerts[each.key].json
}

data "aws_iam_policy_document" "alerts" {
  for_each = aws_sns_topic.alerts

  statement {
    actions   = ["sns:Publish", "sns:GetTopicAttributes"]
    resources = [each.value.arn]

    principals {
      type        = "Service"
      identifiers = ["aps.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [aws_prometheus_workspace.this.arn]
    }
  }

  # The alarm below, which is of this account.
  statement {
    actions   = ["sns:Publish"]
    resources = [each.value.arn]

    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
}

# The watchdog sends every five minutes while all works, from figures to the alert manager. Missing is bad.
resource "aws_cloudwatch_metric_alarm" "heartbeat" {
  count = var.alerts ? 1 : 0

  alarm_name          = "${var.name}-heartbeat"
  alarm_description   = "No EmberscopeWatchdog for 15 minutes: no alert of ${var.cluster_name} would be heard either."
  namespace           = "AWS/SNS"
  metric_name         = "NumberOfMessagesPublished"
  dimensions          = { TopicName = aws_sns_topic.alerts["heartbeat"].name }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 3
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.alerts["page"].arn]
  ok_actions          = [aws_sns_topic.alerts["page"].arn]
  tags                = local.tags
}
