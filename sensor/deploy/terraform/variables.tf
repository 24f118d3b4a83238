variable "aws_region" {
  description = "Region of the stream."
  type        = string
  default     = "us-east-1"
}

variable "name" {
  description = "Name of the stream, and what the names of everything else begin with."
  type        = string
  default     = "meter-siem-events"

  validation {
    condition     = can(regex("^[a-zA-Z0-9_.-]{1,48}$", var.name))
    error_message = "A name has 1 to 48 characters of a-z, A-Z, 0-9, _ . and -."
  }
}

variable "sensor_principal" {
  description = "ARN of the role or user as which the sensor assumes the role."
  type        = string

  validation {
    condition     = can(regex("^arn:(aws|aws-us-gov|aws-cn):iam::[0-9]{12}:(role|user|root)", var.sensor_principal))
    error_message = "The principal is the ARN of a role or user, not of a session."
  }
}

variable "external_id" {
  description = "External ID that the sensor must show (sensor siem set --generate-external-id makes one)."
  type        = string
  sensitive   = true

  validation {
    # A repetition of more than 1,000 is none to this regex.
    condition     = length(var.external_id) >= 16 && length(var.external_id) <= 1224 && can(regex("^[\\w+=,.@:/-]+$", var.external_id))
    error_message = "An external ID has 16 to 1,224 letters, digits or _+=,.@:/-; 64 random ones are advised."
  }
}

variable "role_name" {
  description = "Name of the role that the sensor assumes."
  type        = string
  default     = "MeterSIEMIntegrationRole"
}

variable "stream_mode" {
  description = "PROVISIONED for a fixed number of shards, ON_DEMAND for a stream that grows with its load."
  type        = string
  default     = "PROVISIONED"

  validation {
    condition     = contains(["PROVISIONED", "ON_DEMAND"], var.stream_mode)
    error_message = "The mode is PROVISIONED or ON_DEMAND."
  }
}

variable "shard_count" {
  description = "Shards of a provisioned stream; each takes 1 MB and 1,000 records a second."
  type        = number
  default     = 1

  validation {
    condition     = var.shard_count >= 1 && floor(var.shard_count) == var.shard_count
    error_message = "A stream has at least one shard."
  }
}

variable "retention_hours" {
  description = "Hours for which records can be read."
  type        = number
  default     = 24

  validation {
    condition     = var.retention_hours >= 24 && var.retention_hours <= 8760
    error_message = "Records are kept for 24 to 8,760 hours."
  }
}

variable "encrypt" {
  description = "Encrypt the stream with a key of its own."
  type        = bool
  default     = false
}

variable "alarm_topic_arns" {
  description = "SNS topics that are told when no events arrive and when writes are throttled; none for no alarms."
  type        = list(string)
  default     = []
}

variable "vpc_endpoint" {
  description = "Where to put an interface endpoint for sensors that come over VPN or Direct Connect."
  type = object({
    vpc_id       = string
    subnet_ids   = list(string)
    client_cidrs = list(string)
  })
  default = null
}

variable "archive_bucket" {
  description = "Name of an S3 bucket to be made, to which Firehose copies all events; null for none."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of everything."
  type        = map(string)
  default     = { Name = "SIEM integration", ManagedBy = "Terraform" }
}
