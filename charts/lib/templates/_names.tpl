{{/* Names, labels and images. Each takes (dict "top" $ "part" "web"), or more where it says so. */}}

{{- define "lib.name" -}}
{{ .top.Release.Name }}-{{ .part }}
{{- end }}

{{/* What picks a part's pods out of a namespace: never changed, since a Deployment's selector cannot be. */}}
{{- define "lib.selector" -}}
app.kubernetes.io/instance: {{ .top.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end }}

{{/*
What picks a part's pods where an operator may have made them: CloudNativePG puts a name of its own onto the pods of a
pooler as app.kubernetes.io/instance, whatever their template says.
*/}}
{{- define "lib.picks" -}}
{{- if eq .part "pooler" -}}
cnpg.io/poolerName: {{ include "lib.name" . }}
{{- else -}}
{{ include "lib.selector" . }}
{{- end }}
{{- end }}

{{- define "lib.labels" -}}
app.kubernetes.io/name: {{ .top.Chart.Name }}
{{ include "lib.selector" . }}
app.kubernetes.io/part-of: cellcast
app.kubernetes.io/version: {{ .top.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .top.Release.Service }}
helm.sh/chart: {{ .top.Chart.Name }}-{{ .top.Chart.Version }}
{{- end }}

{{- define "lib.meta" -}}
name: {{ include "lib.name" . }}
namespace: {{ .top.Release.Namespace }}
labels:
  {{- include "lib.labels" . | nindent 2 }}
{{- end }}

{{/* An image by its digest where one is given, which no registry can change; else by its tag. Takes the image. */}}
{{- define "lib.image" -}}
{{ .repository }}{{ with .tag }}:{{ . }}{{ end }}{{ with .digest }}@{{ . }}{{ end }}
{{- end }}

{{/* Our own image: the tag is the chart's version of the program unless another is named. Takes $. */}}
{{- define "lib.ownImage" -}}
{{ include "lib.image" (dict "repository" .Values.image.repository "tag" (.Values.image.tag | default .Chart.AppVersion) "digest" .Values.image.digest) }}
{{- end }}

{{/* A value from a key of the part's Secret, as an environment variable. Takes top, name, key; optional. */}}
{{- define "lib.secretEnv" -}}
- name: {{ .name }}
  valueFrom:
    secretKeyRef:
      name: {{ .secret | default (include "lib.secretName" .top) }}
      key: {{ .key }}
{{- end }}

{{- define "lib.env" -}}
- name: {{ .name }}
  value: {{ .value | toString | quote }}
{{- end }}
