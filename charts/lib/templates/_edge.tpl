{{/* A file of files/edge with what is written ${IN_CAPITALS} put in. Takes top, file, upstream, hosts. */}}
{{- define "lib.edgeFile" -}}
{{- $edge := .top.Values.edge }}
{{- $text := .top.Files.Get (printf "files/edge/%s" .file) }}
{{- $put := dict
  "NAME" (printf "%s-edge" .top.Release.Name)
  "WAF" (ternary "" "# " $edge.waf.enabled)
  "MODULE" "/etc/nginx/modules/ngx_http_modsecurity_module.so"
  "FILES" "/etc/edge"
  "WORKERS" "auto"
  "RUN" "/run/edge"
  "LISTEN" "8443"
  "METRICS" "9090"
  "UPSTREAM" .upstream
  "HOSTS" .hosts
  "PORT" ""
  "HSTS_S" "63072000"
  "CERTIFICATE" "/etc/edge/tls/tls.crt"
  "KEY" "/etc/edge/tls/tls.key"
  "PARANOIA" (toString $edge.waf.paranoia)
  "RULES" "/opt/owasp-crs/rules"
  "UNICODE" "/etc/modsecurity.d/unicode.mapping"
}}
{{- range $name, $value := $put }}{{ $text = replace (printf "${%s}" $name) $value $text }}{{ end }}
{{- $text }}
{{- end }}

{{/* Everything of an edge. Takes top, upstream (part:port), hosts, labels (of its metrics). */}}
{{- define "lib.edge" -}}
{{- $edge := .top.Values.edge }}
{{- $me := dict "top" .top "part" "edge" }}
{{- $files := list "nginx.conf" "words.conf" "mask.sed" "count.awk" "start.sh" }}
{{- if $edge.waf.enabled }}{{ $files = append $files "waf.conf" }}{{ end }}
{{- $upstream := printf "%s-%s" .top.Release.Name .upstream }}
{{- $content := dict }}
{{- range $files }}
{{- $_ := set $content . (include "lib.edgeFile" (dict "top" $.top "file" . "upstream" $upstream "hosts" $.hosts)) }}
{{- end }}
{{- $secret := $edge.tls.secretName | default (printf "%s-edge-tls" .top.Release.Name) }}
apiVersion: v1
kind: ConfigMap
metadata:
  {{- include "lib.meta" $me | nindent 2 }}
data:
  {{- range $name, $text := $content }}
  {{ $name }}: |
    {{- $text | trimSuffix "\n" | nindent 4 }}
  {{- end }}
---
{{- $env := list (dict "name" "CERTIFICATE" "value" "/etc/edge/tls/tls.crt") (dict "name" "KEY" "value" "/etc/edge/tls/tls.key") }}
{{ include "lib.deployment" (dict
  "top" .top "part" "edge" "uid" 101 "replicas" $edge.replicas
  "image" (include "lib.image" $edge.image)
  "command" (list "/bin/sh" "/etc/edge/start.sh" "/etc/edge/nginx.conf" "/run/edge")
  "annotations" (dict "cellcast/configuration" ($content | toJson | sha256sum))
  "env" (printf "%s\n%s" (include "lib.env" (index $env 0)) (include "lib.env" (index $env 1)))
  "ports" (dict "https" 8443 "metrics" 9090)
  "probes" (include "lib.edgeProbes" .)
  "pause" 10 "grace" 45
  "resources" $edge.resources
  "folders" (dict "/run/edge" "1Gi" "/tmp" "64Mi")
  "mounts" "- {name: configuration, mountPath: /etc/edge, readOnly: true}\n- {name: tls, mountPath: /etc/edge/tls, readOnly: true}"
  "volumes" (printf "- name: configuration\n  configMap: {name: %s-edge}\n- name: tls\n  secret: {secretName: %s, defaultMode: 0440}" .top.Release.Name $secret)
) }}
---
apiVersion: v1
kind: Service
metadata:
  {{- include "lib.meta" $me | nindent 2 }}
  {{- with $edge.service.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  type: {{ $edge.service.type }}
  {{- if ne $edge.service.type "ClusterIP" }}
  externalTrafficPolicy: Local  # else the edge would see nodes in place of people
  {{- end }}
  selector:
    {{- include "lib.selector" $me | nindent 4 }}
  ports:
    - {name: https, port: 443, targetPort: https}
{{- if .top.Values.monitoring.enabled }}
---
{{- /* By its pods: its Service is a balancer's, and what it names the whole world could reach. */}}
{{ include "lib.monitor" (dict "top" .top "part" "edge" "kind" "PodMonitor" "labels" (merge (dict "process" "edge") .labels)) }}
{{- end }}
{{- if gt (int $edge.replicas) 1 }}
---
{{ include "lib.disruptions" $me }}
{{- end }}
{{- if not $edge.tls.secretName }}
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata:
  {{- include "lib.meta" $me | nindent 2 }}
spec:
  secretName: {{ $secret }}
  issuerRef:
    kind: ClusterIssuer
    name: {{ $edge.tls.issuer }}
  dnsNames:
    {{- range splitList " " .hosts }}
    - {{ . }}
    {{- end }}
  privateKey:
    algorithm: ECDSA
    size: 256
    rotationPolicy: Always
{{- end }}
{{- end }}

{{- define "lib.edgeProbes" -}}
readinessProbe:
  tcpSocket: {port: https}
  periodSeconds: 5
livenessProbe:
  tcpSocket: {port: https}
  periodSeconds: 10
  failureThreshold: 6
{{- end }}

{{- define "lib.host" -}}
{{ (urlParse .).host }}
{{- end }}
