"""One case from outside: session, journal, environment, telemetry, the pytest plugin."""
