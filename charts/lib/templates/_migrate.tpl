{{/*
Before new processes come, the tables are brought to their version; old processes go on beside it, since a migration
only adds (docs/operate.md). At the first installation the database comes with the release, so the job runs with it
and tries until there is one. Takes top, group (of commands), setting, host, env, mounts, volumes, resources.
*/}}
{{- define "lib.migrate" -}}
{{- $first := .top.Release.IsInstall }}
apiVersion: batch/v1
kind: Job
metadata:
  {{- include "lib.meta" (dict "top" .top "part" "migrate") | nindent 2 }}
  annotations:
    {{- if $first }}
    argocd.argoproj.io/hook: Sync
    argocd.argoproj.io/hook-delete-policy: BeforeHookCreation
    {{- else }}
    helm.sh/hook: pre-upgrade
    helm.sh/hook-weight: "0"
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
    {{- end }}
spec:
  backoffLimit: {{ ternary 20 3 $first }}
  activeDeadlineSeconds: 3600
  template:
    {{- $owner := include "lib.secretEnv" (dict "top" .top "name" "OWNER_PASSWORD" "secret" (printf "%s-postgres-owner" .top.Release.Name) "key" "password") }}
    {{- $url := include "lib.env" (dict "name" .setting "value" (printf "postgresql://cellcast_owner:$(OWNER_PASSWORD)@%s/cellcast" .host)) }}
    {{- include "lib.pod" (dict
      "top" .top "part" "migrate" "args" (list .group "migrate") "restart" "Never"
      "env" (printf "%s\n%s\n%s" .env $owner $url)
      "mounts" .mounts "volumes" .volumes "folders" (dict "/tmp" "64Mi") "resources" .resources
    ) | nindent 4 }}
{{- end }}
