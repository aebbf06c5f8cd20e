//! `bongsu bench`: generator, verifying sink and relay-under-test runner.
