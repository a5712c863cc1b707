"""Spans of sessions that run, sent to an OpenTelemetry collector as they end."""
