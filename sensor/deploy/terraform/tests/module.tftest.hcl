mock_provider "aws" {
  mock_resource "aws_kinesis_stream" {
    defaults = { arn = "arn:aws:kinesis:us-east-1:123456789012:stream/meter-siem-events" }
  }
  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000" }
  }
  mock_resource "aws_iam_policy" {
    defaults = { arn = "arn:aws:iam::123456789012:policy/put" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/MeterSIEMIntegrationRole" }
  }
  mock_resource "aws_s3_bucket" {
    defaults = { arn = "arn:aws:s3:::archive" }
  }
}

variables {
  sensor_principal = "arn:aws:iam::458553032353:role/Meter-data-export"
  external_id      = "9167190a4095f18bb33c84d75f9596366ee0cd392332e72f130f66da38c320d3"
}

run "the_role_trusts_one_principal_with_the_external_id" {
  assert {
    condition     = jsondecode(aws_iam_role.sensor.assume_role_policy).Statement[0].Principal.AWS == var.sensor_principal
    error_message = "the role trusts somebody else"
  }
  assert {
    condition     = jsondecode(aws_iam_role.sensor.assume_role_policy).Statement[0].Condition.StringEquals["sts:ExternalId"] == var.external_id
    error_message = "the external ID is not demanded"
  }
}

run "the_policy_allows_puts_and_nothing_else" {
  assert {
    condition     = jsonencode(jsondecode(aws_iam_policy.put.policy).Statement[*].Action) == jsonencode([["kinesis:PutRecord", "kinesis:PutRecords"]])
    error_message = "more is allowed than putting records"
  }
  assert {
    condition     = length(aws_kinesis_firehose_delivery_stream.archive) + length(aws_vpc_endpoint.kinesis) + length(aws_cloudwatch_metric_alarm.throttled) == 0
    error_message = "something is made that was not asked for"
  }
}

run "everything_at_once" {
  variables {
    stream_mode      = "ON_DEMAND"
    encrypt          = true
    alarm_topic_arns = ["arn:aws:sns:us-east-1:123456789012:alarms"]
    archive_bucket   = "archive"
    vpc_endpoint     = { vpc_id = "vpc-1", subnet_ids = ["subnet-1"], client_cidrs = ["10.0.0.0/8"] }
  }
  assert {
    condition     = aws_kinesis_stream.events.shard_count == null && aws_kinesis_stream.events.encryption_type == "KMS"
    error_message = "the stream is not on-demand and encrypted"
  }
  assert {
    condition     = jsondecode(aws_iam_policy.put.policy).Statement[1].Action == ["kms:GenerateDataKey"]
    error_message = "the producer needs a data key and nothing else"
  }
  assert {
    condition     = aws_kinesis_firehose_delivery_stream.archive[0].extended_s3_configuration[0].buffering_size == 5
    error_message = "Firehose does not buffer as configured"
  }
}

run "a_session_is_no_principal" {
  command = plan
  variables {
    sensor_principal = "arn:aws:sts::458553032353:assumed-role/Meter-data-export/session"
  }
  expect_failures = [var.sensor_principal]
}

run "an_external_id_has_no_spaces" {
  command = plan
  variables {
    external_id = "9167190a4095f18bb33c84d75f9596366ee0cd392332e72f 130f66da38c320d3"
  }
  expect_failures = [var.external_id]
}

run "an_external_id_is_no_guess" {
  command = plan
  variables {
    external_id = "secret"
  }
  expect_failures = [var.external_id]
}
