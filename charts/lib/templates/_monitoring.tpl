{{/* Has Prometheus read a part's metrics, and label them. Takes top, part, labels. */}}
{{- define "lib.monitor" -}}
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  {{- include "lib.meta" . | nindent 2 }}
  {{- with .top.Values.monitoring.labels }}
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  selector:
    matchLabels:
      {{- include "lib.selector" . | nindent 6 }}
  endpoints:
    - port: {{ .port | default "metrics" }}
      interval: 15s
      # What rules and dashboards go by (docs/observability.md).
      relabelings:
        {{- range $label, $value := .labels }}
        - {targetLabel: {{ $label }}, replacement: {{ $value | quote }}}
        {{- end }}
{{- end }}

{{/*
Rules and dashboards stand as files in the chart: files/rules/*.yaml are groups of a PrometheusRule, and
files/dashboards/*.json are Grafana's. Whoever generates them writes those files; nothing else is needed. Takes $.
*/}}
{{- define "lib.observability" -}}
{{- range $path, $_ := .Files.Glob "files/rules/*.yaml" }}
---
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  {{- include "lib.meta" (dict "top" $ "part" (base $path | trimSuffix ".yaml")) | nindent 2 }}
  {{- with $.Values.monitoring.labels }}
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- $.Files.Get $path | nindent 2 }}
{{- end }}
{{- range $path, $_ := .Files.Glob "files/dashboards/*.json" }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  {{- include "lib.meta" (dict "top" $ "part" (printf "dashboard-%s" (base $path | trimSuffix ".json"))) | nindent 2 }}
    grafana_dashboard: "1"
data:
  {{ base $path }}: |-
    {{- $.Files.Get $path | nindent 4 }}
{{- end }}
{{- end }}
