locals {
  alarms = length(var.alarm_topic_arns) > 0 ? 1 : 0
}

resource "aws_cloudwatch_metric_alarm" "no_events" {
  count = local.alarms

  alarm_name          = "${var.name}-no-events"
  alarm_description   = "No event arrived for ten minutes"
  namespace           = "AWS/Kinesis"
  metric_name         = "IncomingRecords"
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 2
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"
  dimensions          = { StreamName = aws_kinesis_stream.events.name }
  alarm_actions       = var.alarm_topic_arns
  tags                = var.tags
}

resource "aws_cloudwatch_metric_alarm" "throttled" {
  count = local.alarms

  alarm_name          = "${var.name}-write-throttled"
  alarm_description   = "The stream takes less than it is given"
  namespace           = "AWS/Kinesis"
  metric_name         = "WriteProvisionedThroughputExceeded"
  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  dimensions          = { StreamName = aws_kinesis_stream.events.name }
  alarm_actions       = var.alarm_topic_arns
  tags                = var.tags
}
