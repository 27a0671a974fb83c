{{/* What backups of this PostgreSQL are called in their bucket. Takes the top. */}}
{{- define "lib.archive" -}}
{{ .Values.backup.server | default (include "lib.name" (dict "top" . "part" "postgres")) }}
{{- end }}

{{/*
What is wrong with going back to an earlier moment, as pairs for lib.refuse in JSON. Takes the top.
A new cluster that wrote over the log that it is made from would lose both.
*/}}
{{- define "lib.restoreFaults" -}}
{{- $restore := .Values.backup.restore }}
{{- list
  (list (and $restore.to (not $restore.from)) "backup.restore.from: say what the backups to restore are called in their bucket")
  (list (and $restore.from (not .Values.backup.enabled)) "backup.enabled: what is restored is read with the backups' own bucket and keys")
  (list (and $restore.from (eq $restore.from (include "lib.archive" .))) "backup.server: give the restored PostgreSQL a new name in the bucket; it would write over what it is made from")
| toJson }}
{{- end }}

{{/*
PostgreSQL by CloudNativePG, with poolers where they are wanted, and backups into a bucket. Takes top, bucket (where
backups go: endpoint, caSecret), labels (of its metrics).
*/}}
{{- define "lib.postgres" -}}
{{- $bucket := .bucket }}
{{- $labels := .labels }}
{{- with .top }}
{{- $v := .Values }}
{{- $postgres := dict "top" . "part" "postgres" }}
{{- $pooler := dict "top" . "part" "pooler" }}
{{- $name := include "lib.name" $postgres }}
{{- $poolerName := include "lib.name" $pooler }}
{{- $pooled := hasKey $v.postgres "pooler" }}
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata:
  {{- include "lib.meta" $postgres | nindent 2 }}
  annotations:
    helm.sh/resource-policy: keep  # data outlives a release that was taken away by mistake
spec:
  instances: {{ $v.postgres.instances }}
  imageName: {{ include "lib.image" $v.postgres.image }}
  {{- with $v.image.pullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  inheritedMetadata:
    labels:
      {{- include "lib.selector" $postgres | nindent 6 }}
  enablePDB: {{ gt (int $v.postgres.instances) 1 }}
  {{- if gt (int $v.postgres.instances) 2 }}
  # A commit is in two places before it counts, so that no acknowledged one is lost with a node.
  postgresql:
    synchronous: {method: any, number: 1, dataDurability: preferred}
  {{- else }}
  postgresql:
  {{- end }}
    parameters:
      max_connections: {{ $v.postgres.connections | quote }}
      jit: "off"
      wal_level: logical
      ssl_min_protocol_version: TLSv1.2
    pg_hba:
      - hostssl all all all scram-sha-256
      - hostnossl all all all reject
  # Read once, when the cluster is made.
  bootstrap:
    {{- if $v.backup.restore.from }}
    recovery:
      source: before
      database: cellcast
      owner: cellcast_owner
      secret: {name: {{ .Release.Name }}-postgres-owner}
      {{- with $v.backup.restore.to }}
      recoveryTarget: {targetTime: {{ . | quote }}}
      {{- end }}
  externalClusters:
    - name: before
      plugin:
        name: barman-cloud.cloudnative-pg.io
        parameters:
          barmanObjectName: {{ $name }}
          serverName: {{ $v.backup.restore.from }}
    {{- else }}
    initdb:
      database: cellcast
      owner: cellcast_owner
      secret: {name: {{ .Release.Name }}-postgres-owner}
      encoding: UTF8
      localeCollate: C.UTF-8
      localeCType: C.UTF-8
      dataChecksums: true
      postInitSQL:
        - create role cellcast_app login nosuperuser nobypassrls nocreatedb nocreaterole
      postInitApplicationSQL:
        - revoke all on database cellcast from public
        - grant connect on database cellcast to cellcast_app
    {{- end }}
  managed:
    roles:
      # Bound by row-level security: neither owner nor superuser.
      - name: cellcast_app
        ensure: present
        login: true
        superuser: false
        bypassrls: false
        passwordSecret: {name: {{ .Release.Name }}-postgres-app}
  enableSuperuserAccess: false
  {{- if $pooled }}
  certificates:
    serverAltDNSNames:
      - {{ $poolerName }}
      - {{ $poolerName }}.{{ .Release.Namespace }}.svc
  {{- end }}
  storage:
    size: {{ $v.postgres.storage.size }}
    {{- with $v.postgres.storage.class }}
    storageClass: {{ . }}
    {{- end }}
  resources:
    {{- toYaml $v.postgres.resources | nindent 4 }}
  affinity:
    enablePodAntiAffinity: true
    podAntiAffinityType: {{ ternary "required" "preferred" (gt (int $v.postgres.instances) 1) }}
    topologyKey: kubernetes.io/hostname
    {{- with $v.nodeSelector }}
    nodeSelector:
      {{- toYaml . | nindent 6 }}
    {{- end }}
  seccompProfile: {type: RuntimeDefault}
  {{- if $v.backup.enabled }}
  plugins:
    - name: barman-cloud.cloudnative-pg.io
      isWALArchiver: true
      parameters:
        barmanObjectName: {{ $name }}
        serverName: {{ include "lib.archive" . }}
  {{- end }}
{{- if $v.monitoring.enabled }}
---
{{ include "lib.monitor" (merge (dict "kind" "PodMonitor" "labels" (merge (dict "process" "postgres") $labels)) $postgres) }}
{{- end }}
{{- if $pooled }}
---
apiVersion: postgresql.cnpg.io/v1
kind: Pooler
metadata:
  {{- include "lib.meta" $pooler | nindent 2 }}
spec:
  cluster: {name: {{ $name }}}
  type: rw
  instances: {{ $v.postgres.pooler.instances }}
  pgbouncer:
    poolMode: transaction
    parameters:
      max_client_conn: {{ $v.postgres.pooler.clients | quote }}
      default_pool_size: {{ $v.postgres.pooler.connections | quote }}
      max_prepared_statements: "500"
      ignore_startup_parameters: extra_float_digits,options,jit,random_page_cost,plan_cache_mode
      client_tls_sslmode: require
      client_tls_protocols: secure
  template:
    spec:
      automountServiceAccountToken: true  # its manager reads its own configuration from Kubernetes
      terminationGracePeriodSeconds: 60
      securityContext:
        runAsNonRoot: true
        seccompProfile: {type: RuntimeDefault}
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels:
              {{- include "lib.picks" $pooler | nindent 14 }}
      containers:
        - name: pgbouncer
          resources:
            requests: {cpu: 100m, memory: 64Mi}
            limits: {memory: 256Mi}
{{- if gt (int $v.postgres.pooler.instances) 1 }}
---
{{ include "lib.disruptions" $pooler }}
{{- end }}
{{- if $v.monitoring.enabled }}
---
{{ include "lib.monitor" (merge (dict "kind" "PodMonitor" "labels" (merge (dict "process" "pooler") $labels)) $pooler) }}
{{- end }}
{{- end }}
{{- if $v.backup.enabled }}
---
apiVersion: barmancloud.cnpg.io/v1
kind: ObjectStore
metadata:
  {{- include "lib.meta" $postgres | nindent 2 }}
spec:
  # The oldest moment to which one can go back; the backup that it starts from is one interval older at most.
  retentionPolicy: {{ $v.backup.windowDays }}d
  configuration:
    destinationPath: s3://{{ $v.backup.bucket }}/
    endpointURL: {{ $bucket.endpoint }}
    s3Credentials:
      accessKeyId: {name: {{ include "lib.secretName" . }}, key: backup-access-key}
      secretAccessKey: {name: {{ include "lib.secretName" . }}, key: backup-secret-key}
    {{- with $bucket.caSecret }}
    endpointCA: {name: {{ . }}, key: ca.crt}
    {{- end }}
    wal: {compression: gzip, maxParallel: 4}
    data: {compression: gzip, jobs: 2}
---
apiVersion: postgresql.cnpg.io/v1
kind: ScheduledBackup
metadata:
  {{- include "lib.meta" $postgres | nindent 2 }}
spec:
  cluster: {name: {{ $name }}}
  schedule: {{ ternary "0 15 2 * * *" (printf "0 15 2-23/%d * * *" (int $v.backup.everyHours)) (eq (int $v.backup.everyHours) 24) }}
  immediate: true
  backupOwnerReference: self
  method: plugin
  pluginConfiguration: {name: barman-cloud.cloudnative-pg.io}
  target: prefer-standby
{{- if $v.monitoring.enabled }}
---
# Says that there are to be backups, whatever is scraped: BackupUnseen goes by it.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  {{- include "lib.meta" (dict "top" . "part" "backups") | nindent 2 }}
  {{- with $v.monitoring.labels }}
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  groups:
    - name: {{ .Release.Name }}-backups
      rules:
        - record: postgres:backups_wanted
          expr: vector(1)
          labels:
            {{- toYaml $labels | nindent 12 }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
