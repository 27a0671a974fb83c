{{/*
The restore drill (stack/drill.py), from time to time. Takes top, bucket (endpoint, region, caSecret) of the backups, and
objects: the bucket (name besides) of recordings, where there are any.
*/}}
{{- define "lib.drill" -}}
{{- $bucket := .bucket }}
{{- $objects := .objects }}
{{- $top := .top }}
{{- with .top }}
{{- $v := .Values }}
{{- $me := dict "top" . "part" "drill" }}
apiVersion: v1
kind: ConfigMap
metadata:
  {{- include "lib.meta" $me | nindent 2 }}
data:
  drill.py: |
    {{- .Files.Get "files/drill.py" | trimSuffix "\n" | nindent 4 }}
---
apiVersion: batch/v1
kind: CronJob
metadata:
  {{- include "lib.meta" $me | nindent 2 }}
spec:
  schedule: {{ $v.backup.drill.schedule | quote }}
  timeZone: Etc/UTC
  concurrencyPolicy: Forbid
  successfulJobsHistoryLimit: 3
  failedJobsHistoryLimit: 3
  jobTemplate:
    metadata:
      labels:
        {{- include "lib.labels" $me | nindent 8 }}
    spec:
      backoffLimit: 0
      activeDeadlineSeconds: {{ mul (int $v.backup.drill.withinMinutes) 60 }}
      template:
        {{- $env := list
          (include "lib.secretEnv" (dict "top" . "name" "AWS_ACCESS_KEY_ID" "key" "backup-access-key"))
          (include "lib.secretEnv" (dict "top" . "name" "AWS_SECRET_ACCESS_KEY" "key" "backup-secret-key"))
          (include "lib.env" (dict "name" "AWS_DEFAULT_REGION" "value" $bucket.region))
          (include "lib.env" (dict "name" "ENDPOINT" "value" $bucket.endpoint))
          (include "lib.env" (dict "name" "BUCKET" "value" $v.backup.bucket))
          (include "lib.env" (dict "name" "SERVER" "value" (include "lib.archive" .)))
          (include "lib.env" (dict "name" "BACK" "value" $v.backup.drill.back))
        }}
        {{- with $objects }}
        {{- $env = concat $env (list
          (include "lib.secretEnv" (dict "top" $top "name" "OBJECTS_ACCESS_KEY" "key" "s3-access-key"))
          (include "lib.secretEnv" (dict "top" $top "name" "OBJECTS_SECRET_KEY" "key" "s3-secret-key"))
          (include "lib.env" (dict "name" "OBJECTS" "value" (dict
            "endpoint" .endpoint "region" .region "bucket" .name
            "access_key" "$(OBJECTS_ACCESS_KEY)" "secret_key" "$(OBJECTS_SECRET_KEY)" | toJson)))
        ) }}
        {{- end }}
        {{- if $bucket.caSecret }}
        {{- $env = append $env (include "lib.env" (dict "name" "AWS_CA_BUNDLE" "value" "/etc/cellcast/bucket/ca.crt")) }}
        {{- end }}
        {{- $mounts := "- {name: script, mountPath: /etc/drill, readOnly: true}" }}
        {{- $volumes := printf "- name: script\n  configMap: {name: %s-drill}" .Release.Name }}
        {{- if $bucket.caSecret }}
        {{- $mounts = printf "%s\n- {name: bucket-authority, mountPath: /etc/cellcast/bucket, readOnly: true}" $mounts }}
        {{- $volumes = printf "%s\n- name: bucket-authority\n  secret: {secretName: %s, items: [{key: ca.crt, path: ca.crt}]}" $volumes $bucket.caSecret }}
        {{- end }}
        {{- include "lib.pod" (dict
          "top" . "part" "drill" "uid" 26 "restart" "Never"
          "image" (include "lib.image" $v.postgres.image)
          "command" (list "python3" "/etc/drill/drill.py" "/drill/run")
          "env" (join "\n" $env) "mounts" $mounts "volumes" $volumes
          "folders" (dict "/drill" $v.backup.drill.storage "/tmp" "1Gi")
          "resources" $v.backup.drill.resources
        ) | nindent 8 }}
{{- end }}
{{- end }}
