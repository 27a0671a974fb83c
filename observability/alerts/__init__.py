"""Alerts on causes: what a part can suffer before, or without, anybody noticing. One file a subject, one row an alert.

A new alert is a row here and a page `docs/runbooks/{name}.md`. Its row says under which series it becomes true and
under which it stays silent; a test has promtool try both.
"""

from collections.abc import Mapping

from observability.alerts import backups, bucket, edge, fleet, jobs, processes, servers, words
from observability.alerts.alert import Alert

_FILES = (processes, edge, servers, backups, bucket, jobs, fleet, words)
SUBJECTS: Mapping[str, tuple[Alert, ...]] = {one.__name__.rpartition(".")[2]: one.ALERTS for one in _FILES}
ALERTS: tuple[Alert, ...] = tuple(alert for rows in SUBJECTS.values() for alert in rows)
