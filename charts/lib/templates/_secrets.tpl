{{/* The Secret that holds a release's own secrets. Takes $. */}}
{{- define "lib.secretName" -}}
{{ .Values.secrets.name | default (printf "%s-secrets" .Release.Name) }}
{{- end }}

{{/*
A Secret, from wherever `secrets.from` says: given in the values, or fetched by External Secrets. One that exists is
left alone. Takes top, name, keys, and type and data (key -> text) for those whose form is another's.
*/}}
{{- define "lib.secret" -}}
{{- $from := .top.Values.secrets.from }}
{{- $meta := include "lib.labels" (dict "top" .top "part" "secrets") }}
{{- if eq $from "values" }}
apiVersion: v1
kind: Secret
metadata:
  name: {{ .name }}
  namespace: {{ .top.Release.Namespace }}
  labels:
    {{- $meta | nindent 4 }}
    {{- with .labels }}{{ toYaml . | nindent 4 }}{{ end }}
type: {{ .type | default "Opaque" }}
stringData:
  {{- range $key, $text := .data }}
  {{ $key }}: {{ $text | quote }}
  {{- end }}
  {{- range .keys }}
  {{ . }}: {{ index $.top.Values.secrets.values . | quote }}
  {{- end }}
{{- else if eq $from "external" }}
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata:
  name: {{ .name }}
  namespace: {{ .top.Release.Namespace }}
  labels:
    {{- $meta | nindent 4 }}
spec:
  refreshInterval: 1h
  secretStoreRef:
    name: {{ .top.Values.secrets.external.store }}
    kind: {{ .top.Values.secrets.external.kind }}
  target:
    name: {{ .name }}
    creationPolicy: Owner
    {{- if or .type .labels .data }}
    template:
      type: {{ .type | default "Opaque" }}
      mergePolicy: Merge
      {{- with .labels }}
      metadata:
        labels:
          {{- toYaml . | nindent 10 }}
      {{- end }}
      {{- with .data }}
      data:
        {{- range $key, $text := . }}
        {{ $key }}: {{ $text | quote }}
        {{- end }}
      {{- end }}
    {{- end }}
  data:
    {{- range $key, $property := .fetched }}
    - secretKey: {{ $key }}
      remoteRef:
        key: {{ $.top.Values.secrets.external.path }}
        property: {{ $property }}
    {{- end }}
    {{- range .keys }}
    - secretKey: {{ . }}
      remoteRef:
        key: {{ $.top.Values.secrets.external.path }}
        property: {{ . }}
    {{- end }}
{{- end }}
{{- end }}

{{/* Which of the keys were not given, where secrets come from the values. Takes top, keys. */}}
{{- define "lib.missingSecrets" -}}
{{- if eq .top.Values.secrets.from "values" }}
{{- $missing := list }}
{{- range .keys }}{{ if not (index $.top.Values.secrets.values .) }}{{ $missing = append $missing . }}{{ end }}{{ end }}
{{- join ", " $missing }}
{{- end }}
{{- end }}

{{/* The passwords of PostgreSQL's two roles, each in a Secret as CloudNativePG takes them. Takes $. */}}
{{- define "lib.roleSecrets" -}}
{{- range $role := list "owner" "app" }}
{{- $key := printf "postgres-%s-password" $role }}
{{- $user := dict "username" (printf "cellcast_%s" $role) }}
{{- $given := ternary (dict "password" (index $.Values.secrets.values $key)) dict (eq $.Values.secrets.from "values") }}
---
{{ include "lib.secret" (dict
  "top" $ "name" (printf "%s-postgres-%s" $.Release.Name $role)
  "type" "kubernetes.io/basic-auth" "labels" (dict "cnpg.io/reload" "true")
  "data" (merge $given $user) "fetched" (dict "password" $key)
) }}
{{- end }}
{{- end }}
