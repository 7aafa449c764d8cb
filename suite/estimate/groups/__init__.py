"""Several GPUs of one machine, estimated from one: exchange, waits, memory of each."""
