"""What every service needs once: settings, Postgres, outbox and relay, inbox, broker, health."""
