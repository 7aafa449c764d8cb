"""What every loop shares: its settings, the gate that holds each step, and who looks on."""
