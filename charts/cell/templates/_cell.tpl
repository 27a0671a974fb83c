{{/* Everything that this chart knows of a cell's own ways; the rest is lib's. */}}

{{- define "cell.parts" -}}
{{- $parts := list "web" "worker-light" "worker-media" "scheduler" "migrate" "test" }}
{{- if .Values.edge.enabled }}{{ $parts = append $parts "edge" }}{{ end }}
{{- if eq .Values.postgres.from "cluster" }}
{{- $parts = concat $parts (list "postgres" "pooler") }}
{{- if and .Values.backup.enabled .Values.backup.drill.enabled }}{{ $parts = append $parts "drill" }}{{ end }}
{{- end }}
{{- if eq .Values.redis.from "chart" }}{{ $parts = append $parts "redis" }}{{ end }}
{{- $parts | toJson }}
{{- end }}

{{/* The keys of the Secret, by what is enabled. */}}
{{- define "cell.secretKeys" -}}
{{- $keys := list "s3-access-key" "s3-secret-key" "worker-s3-access-key" "worker-s3-secret-key" "master-key" "domain-key" "signing-key" "feed-token" "redis-password" }}
{{- if .Values.mail.enabled }}{{ $keys = append $keys "smtp-url" }}{{ end }}
{{- if .Values.published.enabled }}{{ $keys = append $keys "published-bucket" }}{{ end }}
{{- if and .Values.backup.enabled (eq .Values.postgres.from "cluster") }}
{{- $keys = concat $keys (list "backup-access-key" "backup-secret-key") }}
{{- end }}
{{- $keys | toJson }}
{{- end }}

{{- define "cell.databaseHost" -}}
{{- if eq .Values.postgres.from "cluster" }}{{ .Release.Name }}-pooler:5432
{{- else }}{{ .Values.postgres.external.host }}:{{ .Values.postgres.external.port }}{{ end }}
{{- end }}

{{- define "cell.ownerHost" -}}
{{- if eq .Values.postgres.from "cluster" }}{{ .Release.Name }}-postgres-rw:5432
{{- else }}{{ .Values.postgres.external.migrateHost | default .Values.postgres.external.host }}:{{ .Values.postgres.external.port }}{{ end }}
{{- end }}

{{- define "cell.redisHost" -}}
{{- if eq .Values.redis.from "chart" }}{{ .Release.Name }}-redis:6379
{{- else }}{{ .Values.redis.external.host }}:{{ .Values.redis.external.port }}{{ end }}
{{- end }}

{{/*
The settings of a process. A password is a variable of its own, which Kubernetes puts into the address after it. Takes
top, and part: workers and the scheduler have an account of S3 that may delete, the others one that may not.
*/}}
{{- define "cell.env" -}}
{{- $s3 := ternary "worker-s3" "s3" (or (hasPrefix "worker-" .part) (eq .part "scheduler")) }}
{{- with .top }}
{{- $v := .Values }}
{{- $secret := dict
  "REDIS_PASSWORD" "redis-password"
  "CELLCAST_CELL_S3_ACCESS_KEY" (printf "%s-access-key" $s3)
  "CELLCAST_CELL_S3_SECRET_KEY" (printf "%s-secret-key" $s3)
  "CELLCAST_CELL_MASTER_KEY" "master-key"
  "CELLCAST_CELL_DOMAIN_KEY" "domain-key"
  "CELLCAST_CELL_SIGNING_KEY" "signing-key"
  "CELLCAST_CELL_FEED_TOKEN" "feed-token"
}}
{{- if $v.mail.enabled }}{{ $_ := set $secret "CELLCAST_CELL_SMTP_URL" "smtp-url" }}{{ end }}
{{- if $v.published.enabled }}{{ $_ := set $secret "CELLCAST_CELL_PUBLISHED_BUCKET" "published-bucket" }}{{ end }}
{{- $plain := dict
  "NAME" $v.name
  "REGION" $v.region
  "BIND" "0.0.0.0:8000"
  "METRICS_BIND" "0.0.0.0:9090"
  "URL" $v.url
  "GO_URL" $v.goUrl
  "PASSKEY_RP_ID" $v.passkeyRpId
  "MAIL_FROM" $v.mailFrom
  "LOG_LEVEL" $v.logLevel
  "TRUSTED_PROXIES" (join "," $v.network.podCidrs)
  "DATABASE_URL" (printf "postgresql://cellcast_app:$(POSTGRES_PASSWORD)@%s/cellcast" (include "cell.databaseHost" .))
  "REDIS_URL" (printf "rediss://:$(REDIS_PASSWORD)@%s/0?ssl_ca_certs=/etc/cellcast/redis/ca.crt" (include "cell.redisHost" .))
  "S3_ENDPOINT" $v.bucket.endpoint
  "S3_BUCKET" $v.bucket.name
  "S3_REGION" $v.bucket.region
  "REGISTRY_PUBLIC_KEYS" (join "," $v.registry.publicKeys)
  "FEED_URL" $v.registry.url
  "STATE_DIR" "/state"
  "SCRATCH_DIR" "/scratch"
  "MEDIA_JOBS" $v.workers.media.jobs
  "FINISH_S" $v.workers.media.finishSeconds
}}
{{- $plain = merge (deepCopy $v.settings) $plain }}
{{- include "lib.secretEnv" (dict "top" . "name" "POSTGRES_PASSWORD" "secret" (printf "%s-postgres-app" .Release.Name) "key" "password") }}
{{- range $name, $key := $secret }}
{{ include "lib.secretEnv" (dict "top" $.top "name" $name "key" $key) }}
{{- end }}
{{- range $name, $value := $plain }}
{{ include "lib.env" (dict "name" (printf "CELLCAST_CELL_%s" $name) "value" $value) }}
{{- end }}
{{ include "lib.env" (dict "name" "PGSSLMODE" "value" "verify-full") }}
{{ include "lib.env" (dict "name" "PGSSLROOTCERT" "value" "/etc/cellcast/postgres/ca.crt") }}
{{- if $v.bucket.caSecret }}
{{ include "lib.env" (dict "name" "AWS_CA_BUNDLE" "value" "/etc/cellcast/bucket/ca.crt") }}
{{- end }}
{{- end }}
{{- end }}

{{/* Authorities whose certificates a process believes: name of the folder -> Secret with ca.crt. */}}
{{- define "cell.authorities" -}}
{{- $v := .Values }}
{{- $found := dict
  "postgres" (ternary (printf "%s-postgres-ca" .Release.Name) $v.postgres.external.caSecret (eq $v.postgres.from "cluster"))
  "redis" (ternary (printf "%s-redis-tls" .Release.Name) $v.redis.external.caSecret (eq $v.redis.from "chart"))
}}
{{- with $v.bucket.caSecret }}{{ $_ := set $found "bucket" . }}{{ end }}
{{- $found | toJson }}
{{- end }}

{{- define "cell.mounts" -}}
{{- range $name, $_ := include "cell.authorities" . | fromJson }}
- {name: {{ $name }}-authority, mountPath: /etc/cellcast/{{ $name }}, readOnly: true}
{{- end }}
{{- end }}

{{- define "cell.volumes" -}}
{{- range $name, $secret := include "cell.authorities" . | fromJson }}
- name: {{ $name }}-authority
  secret:
    secretName: {{ $secret }}
    items: [{key: ca.crt, path: ca.crt}]
{{- end }}
{{- end }}

{{/* A long-running process of the cell. Takes what lib.deployment takes. */}}
{{- define "cell.process" -}}
{{- $given := merge (dict
  "env" (include "cell.env" .)
  "mounts" (include "cell.mounts" .top)
  "volumes" (include "cell.volumes" .top)
  "folders" (dict "/tmp" "256Mi" "/state" "1Gi" "/scratch" (.scratch | default "1Gi"))
) . }}
{{- include "lib.deployment" $given }}
{{- if .top.Values.monitoring.enabled }}
---
{{ include "lib.monitor" (dict "top" .top "part" .part "labels" (dict
  "part" "cell" "process" (first (splitList "-" .part)) "cell" .top.Values.name "region" .top.Values.region
)) }}
{{- end }}
{{- if or .scaled (gt (int .replicas) 1) }}
---
{{ include "lib.disruptions" (dict "top" .top "part" .part) }}
{{- end }}
{{- end }}
