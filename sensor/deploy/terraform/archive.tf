locals {
  archive = var.archive_bucket == null ? 0 : 1
}

resource "aws_s3_bucket" "archive" {
  count = local.archive

  bucket = var.archive_bucket
  tags   = var.tags
}

resource "aws_s3_bucket_public_access_block" "archive" {
  count = local.archive

  bucket                  = aws_s3_bucket.archive[0].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "archive" {
  count = local.archive

  bucket = aws_s3_bucket.archive[0].id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "archive" {
  count = local.archive

  bucket = aws_s3_bucket.archive[0].id

  rule {
    id     = "archive-old-events"
    status = "Enabled"

    filter {
      prefix = "siem-events/"
    }

    transition {
      days          = 90
      storage_class = "GLACIER"
    }

    expiration {
      days = 365
    }
  }
}

resource "aws_iam_role" "firehose" {
  count = local.archive

  name = "${var.role_name}-firehose"
  tags = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "firehose.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "firehose" {
  count = local.archive

  name = "archive"
  role = aws_iam_role.firehose[0].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
      {
        Effect   = "Allow"
        Action   = ["kinesis:DescribeStream", "kinesis:GetShardIterator", "kinesis:GetRecords", "kinesis:ListShards"]
        Resource = aws_kinesis_stream.events.arn
      },
      {
        Effect = "Allow"
        Action = [
          "s3:AbortMultipartUpload",
          "s3:GetBucketLocation",
          "s3:ListBucket",
          "s3:ListBucketMultipartUploads",
          "s3:PutObject",
        ]
        Resource = [aws_s3_bucket.archive[0].arn, "${aws_s3_bucket.archive[0].arn}/*"]
      },
      ], [for key in aws_kms_key.events : {
        Effect   = "Allow"
        Action   = ["kms:Decrypt"]
        Resource = key.arn
    }])
  })
}

resource "aws_kinesis_firehose_delivery_stream" "archive" {
  count = local.archive

  name        = "${var.name}-to-s3"
  destination = "extended_s3"
  tags        = var.tags

  kinesis_source_configuration {
    kinesis_stream_arn = aws_kinesis_stream.events.arn
    role_arn           = aws_iam_role.firehose[0].arn
  }

  extended_s3_configuration {
    role_arn            = aws_iam_role.firehose[0].arn
    bucket_arn          = aws_s3_bucket.archive[0].arn
    prefix              = "siem-events/year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/"
    error_output_prefix = "siem-errors/!{firehose:error-output-type}/"
    compression_format  = "GZIP"
    buffering_size      = 5
    buffering_interval  = 300
  }

  depends_on = [aws_iam_role_policy.firehose]
}
