{{/*
Has Prometheus read a part's metrics, and label them. Takes top, part, labels; kind: PodMonitor, where an operator makes
the pods and no Service leads to their metrics.
*/}}
{{- define "lib.monitor" -}}
{{- $pods := eq (.kind | default "") "PodMonitor" }}
apiVersion: monitoring.coreos.com/v1
kind: {{ ternary "PodMonitor" "ServiceMonitor" $pods }}
metadata:
  {{- /* CloudNativePG takes one that is called like its own for its own. */}}
  {{- include "lib.meta" (ternary (dict "top" .top "part" (printf "%s-metrics" .part)) . $pods) | nindent 2 }}
  {{- with .top.Values.monitoring.labels }}
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  selector:
    matchLabels:
      {{- include "lib.picks" . | nindent 6 }}
  {{ ternary "podMetricsEndpoints" "endpoints" $pods }}:
    - port: metrics
      interval: 15s
      # What rules and dashboards go by (docs/observability.md).
      relabelings:
        {{- range $label, $value := .labels }}
        - {targetLabel: {{ $label }}, replacement: {{ $value | quote }}}
        {{- end }}
{{- end }}

{{/*
Rules and dashboards stand as files in the chart: files/rules/*.yaml are groups of a PrometheusRule, and
files/dashboards/*.json are Grafana's. Whoever generates them writes those files; nothing else is needed. A chart that
holds them says by monitoring.rules whether this release brings them: one in a cluster is enough. Takes $.
*/}}
{{- define "lib.observability" -}}
{{- if .Values.monitoring.rules }}
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
{{- end }}
