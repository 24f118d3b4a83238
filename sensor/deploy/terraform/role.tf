locals {
  put_records = [{
    Sid      = "PutEvents"
    Effect   = "Allow"
    Action   = ["kinesis:PutRecord", "kinesis:PutRecords"]
    Resource = aws_kinesis_stream.events.arn
  }]

  # Producers need a data key and nothing else, and only for this stream.
  use_key = [for key in aws_kms_key.events : {
    Sid       = "EncryptEvents"
    Effect    = "Allow"
    Action    = ["kms:GenerateDataKey"]
    Resource  = key.arn
    Condition = { StringEquals = { "kms:EncryptionContext:aws:kinesis:arn" = aws_kinesis_stream.events.arn } }
  }]
}

resource "aws_iam_role" "sensor" {
  name                 = var.role_name
  description          = "Lets the sensor put security events into ${var.name}"
  max_session_duration = 3600
  tags                 = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = var.sensor_principal }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "sts:ExternalId" = var.external_id } }
    }]
  })
}

resource "aws_iam_policy" "put" {
  name        = "${var.role_name}-put"
  description = "Puts records into ${var.name}"
  tags        = var.tags

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat(local.put_records, local.use_key)
  })
}

resource "aws_iam_role_policy_attachment" "put" {
  role       = aws_iam_role.sensor.name
  policy_arn = aws_iam_policy.put.arn
}
