"""What was to be written down for good and was not: the audit log's heads, sign-ins that were refused."""

from observability.alerts.alert import Alert

ALERTS = (
    Alert(
        "AuditLogDiffers",
        "page",
        'sum by (region, cell) (increase(cellcast_audit_heads_total{outcome="refused"}[6h])) > 0',
        "0m",
        "{{ $labels.cell }}: an audit log is not the one whose head was signed before. Somebody changed it.",
        fires={'cellcast_audit_heads_total{region="eu", cell="eu-1", outcome="refused"}': "0x30 1x60"},
        quiet={'cellcast_audit_heads_total{region="eu", cell="eu-1", outcome="published"}': "0+6x90"},
    ),
    Alert(
        "SignInReportsDropped",
        "ticket",
        "sum by (region) (increase(cellcast_saml_reports_dropped_total[30m])) > 0",
        "1m",
        "{{ $labels.region }}: refused sign-ins are missing in workspaces' sign-in logs.",
        fires={'cellcast_saml_reports_dropped_total{part="provisioning", region="eu"}': "0x30 0+5x60"},
        quiet={'cellcast_saml_reports_dropped_total{part="provisioning", region="eu"}': "0x90"},
    ),
)
