"""Mechanism that knows no noun of Cellcast: database and tenancy, jobs, problems, settings, logs, metrics."""
