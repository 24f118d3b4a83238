terraform {
  required_version = ">= 1.7"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.39, < 7.0"
    }
  }
}

provider "aws" {
  region = var.aws_region
}
