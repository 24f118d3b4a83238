//! Tools for trying the sensor out and for its own tests; no part of a running sensor.

pub mod fake_aws;
