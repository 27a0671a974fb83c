{{/*
A whole part that answers HTTP behind the edge of its release: Deployment, Service, budget, metrics, edge, test, account,
network. Takes what lib.deployment takes, and url, hosts, parts, and labels (of its metrics).
*/}}
{{- define "lib.httpPart" -}}
{{ include "lib.account" .top }}
---
{{ include "lib.deployment" (merge (dict
  "ports" (dict "http" 8000 "metrics" 9090)
  "probes" (include "lib.httpProbes" (dict "port" "http"))
  "pause" 10 "grace" 45
) .) }}
---
{{ include "lib.service" (dict "top" .top "part" .part "ports" (dict "http" 8000 "metrics" 9090)) }}
{{- if gt (int .replicas) 1 }}
---
{{ include "lib.disruptions" (dict "top" .top "part" .part) }}
{{- end }}
{{- if .top.Values.monitoring.enabled }}
---
{{ include "lib.monitor" (dict "top" .top "part" .part "labels" .labels) }}
{{ include "lib.observability" .top }}
{{- end }}
{{- if .top.Values.edge.enabled }}
---
{{ include "lib.edge" (dict "top" .top "upstream" (printf "%s:8000" .part) "hosts" .hosts "labels" .labels) }}
{{- end }}
---
{{ include "lib.networkPolicies" (dict "top" .top "parts" .parts) }}
---
{{ include "lib.test" (dict "top" .top "process" (printf "%s:8000" .part) "url" .url) }}
{{- end }}

{{/* Settings: prefix, plain (name -> value), secret (name -> key), settings; of an environment, secrets first. */}}
{{- define "lib.settings" -}}
{{- $lines := list }}
{{- range $name, $key := .secret }}
{{- $lines = append $lines (include "lib.secretEnv" (dict "top" $.top "name" $name "key" $key)) }}
{{- end }}
{{- range $name, $value := merge (deepCopy .top.Values.settings) .plain }}
{{- $lines = append $lines (include "lib.env" (dict "name" (printf "%s%s" $.prefix $name) "value" $value)) }}
{{- end }}
{{- join "\n" $lines }}
{{- end }}

{{/* Faults that each such chart refuses. Takes $. */}}
{{- define "lib.commonFaults" -}}
{{- $v := .Values }}
{{- $faults := list
  (list (and $v.edge.enabled (not $v.edge.tls.issuer) (not $v.edge.tls.secretName)) "edge.tls: name the ClusterIssuer that certifies the host, or a Secret that holds its certificate")
  (list (and $v.edge.tls.issuer $v.edge.tls.secretName) "edge.tls: name an issuer or a Secret, not both")
  (list (and (eq $v.secrets.from "external") (or (not $v.secrets.external.store) (not $v.secrets.external.path))) "secrets.external: name the store and the path in it")
}}
{{- if hasKey $v "goUrl" }}
{{- $faults = append $faults (list (not (include "lib.isHttps" $v.goUrl)) "goUrl: give the front door's address as https://HOST, without a slash at the end") }}
{{- end }}
{{- if hasKey $v "url" }}
{{- $faults = append $faults (list (not (include "lib.isHttps" $v.url)) "url: give its address as https://HOST, without a slash at the end; plain HTTP is not served") }}
{{- end }}
{{- if hasKey $v "registry" }}
{{- $faults = append $faults (list (not (include "lib.isHttps" $v.registry.url)) "registry.url: give the control plane's address as https://HOST, without a slash at the end") }}
{{- $faults = append $faults (list (not $v.registry.publicKeys) "registry.publicKeys: give the keys whose word counts; without them anybody could say where workspaces live") }}
{{- end }}
{{- $faults | toJson }}
{{- end }}
