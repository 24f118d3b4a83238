output "stream_arn" {
  description = "For sensor siem set --stream-arn."
  value       = aws_kinesis_stream.events.arn
}

output "role_arn" {
  description = "For sensor siem set --role-arn."
  value       = aws_iam_role.sensor.arn
}

output "external_id" {
  description = "For sensor siem set --external-id-file -, by way of terraform output -raw external_id."
  value       = var.external_id
  sensitive   = true
}

output "sensor_configuration" {
  description = "What the sensor's configuration can say of the stream."
  value       = local.provisioned ? "[delivery.kinesis]\nshard_count = ${var.shard_count}\n" : ""
}
