# Private names of the endpoint: kinesis.<region>, *.data-kinesis.<region> and *.control-kinesis.<region>.
resource "aws_vpc_endpoint" "kinesis" {
  count = var.vpc_endpoint == null ? 0 : 1

  vpc_id              = var.vpc_endpoint.vpc_id
  service_name        = "com.amazonaws.${var.aws_region}.kinesis-streams"
  vpc_endpoint_type   = "Interface"
  subnet_ids          = var.vpc_endpoint.subnet_ids
  security_group_ids  = [aws_security_group.kinesis[0].id]
  private_dns_enabled = true
  tags                = var.tags
}

resource "aws_security_group" "kinesis" {
  count = var.vpc_endpoint == null ? 0 : 1

  name        = "${var.name}-endpoint"
  description = "HTTPS to the Kinesis endpoint"
  vpc_id      = var.vpc_endpoint.vpc_id
  tags        = var.tags

  ingress {
    description = "HTTPS from the sensors"
    from_port   = 443
    to_port     = 443
    protocol    = "tcp"
    cidr_blocks = var.vpc_endpoint.client_cidrs
  }
}
