"""What is watched, as tables: objectives, alerts and dashboards. Rules and dashboards are written from them.

Prometheus gives each process that it scrapes the labels `part` (router, cell, control-plane, provisioning), `process`
(web, worker, scheduler, where a part has several; postgres and pooler), `region`, and `cell` for a cell's. Rules go by
these.
"""

TARGET_LABELS = frozenset({"part", "process", "region", "cell", "instance", "job"})
