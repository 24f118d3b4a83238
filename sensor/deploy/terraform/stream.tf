locals {
  provisioned   = var.stream_mode == "PROVISIONED"
  shard_metrics = ["IncomingBytes", "IncomingRecords", "WriteProvisionedThroughputExceeded"]
}

resource "aws_kinesis_stream" "events" {
  name             = var.name
  shard_count      = local.provisioned ? var.shard_count : null
  retention_period = var.retention_hours
  encryption_type  = var.encrypt ? "KMS" : "NONE"
  kms_key_id       = one(aws_kms_key.events[*].arn)
  tags             = var.tags

  shard_level_metrics = local.shard_metrics

  stream_mode_details {
    stream_mode = var.stream_mode
  }
}

resource "aws_kms_key" "events" {
  count = var.encrypt ? 1 : 0

  description             = "Events of ${var.name}"
  deletion_window_in_days = 10
  enable_key_rotation     = true
  tags                    = var.tags
}

resource "aws_kms_alias" "events" {
  count = var.encrypt ? 1 : 0

  name          = "alias/${replace(var.name, ".", "-")}"
  target_key_id = aws_kms_key.events[0].key_id
}
