"""What tests share: records, machines, engines and browsers to test with; no tests."""
