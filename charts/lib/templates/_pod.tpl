{{/*
A pod of ours under Pod Security "restricted". Takes top, part, args (of `cellcast`), and as they are needed:
env, resources, grace, pause, ports (name -> number), ready (path on http), folders (path -> size),
mounts and volumes (YAML), restart, image, command, uid.
*/}}
{{- define "lib.pod" -}}
metadata:
  labels:
    {{- include "lib.labels" . | nindent 4 }}
  {{- with .annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  automountServiceAccountToken: false
  serviceAccountName: {{ .top.Release.Name }}
  # Kubernetes would name every Service in the environment, and our processes refuse settings that they do not know.
  enableServiceLinks: false
  {{- with .top.Values.image.pullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  {{- with .restart }}
  restartPolicy: {{ . }}
  {{- end }}
  terminationGracePeriodSeconds: {{ .grace | default 30 }}
  securityContext:
    runAsNonRoot: true
    runAsUser: {{ .uid | default 10001 }}
    runAsGroup: {{ .uid | default 10001 }}
    fsGroup: {{ .uid | default 10001 }}
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile:
      type: RuntimeDefault
  {{- if not .restart }}
  topologySpreadConstraints:
    {{- range $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
    - maxSkew: 1
      topologyKey: {{ $key }}
      whenUnsatisfiable: {{ if and $.spread (eq $key "kubernetes.io/hostname") }}DoNotSchedule{{ else }}ScheduleAnyway{{ end }}
      labelSelector:
        matchLabels:
          {{- include "lib.selector" $ | nindent 10 }}
      matchLabelKeys: [pod-template-hash]
    {{- end }}
  {{- end }}
  {{- with .top.Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: {{ .part }}
      image: {{ .image | default (include "lib.ownImage" .top) }}
      imagePullPolicy: IfNotPresent
      {{- with .command }}
      command:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .args }}
      args:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .env }}
      env:
        {{- . | nindent 8 }}
      {{- end }}
      {{- with .ports }}
      ports:
        {{- range $name, $number := . }}
        - name: {{ $name }}
          containerPort: {{ $number }}
        {{- end }}
      {{- end }}
      {{- with .probes }}
      {{- . | nindent 6 }}
      {{- end }}
      {{- with .pause }}
      # Until every balancer has heard that this pod goes, it answers on.
      lifecycle:
        preStop:
          sleep:
            seconds: {{ . }}
      {{- end }}
      resources:
        {{- toYaml .resources | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities:
          drop: [ALL]
      volumeMounts:
        {{- range $path, $size := .folders }}
        - name: {{ $path | trimPrefix "/" | replace "/" "-" }}
          mountPath: {{ $path }}
        {{- end }}
        {{- with .mounts }}
        {{- . | nindent 8 }}
        {{- end }}
  volumes:
    {{- range $path, $size := .folders }}
    - name: {{ $path | trimPrefix "/" | replace "/" "-" }}
      emptyDir:
        sizeLimit: {{ $size }}
    {{- end }}
    {{- with .volumes }}
    {{- . | nindent 4 }}
    {{- end }}
{{- end }}

{{/* Probes of a process that answers HTTP: started, ready, alive. Takes port, and paths where they differ. */}}
{{- define "lib.httpProbes" -}}
startupProbe:
  httpGet: {path: {{ .live | default "/livez" }}, port: {{ .port }}{{ with .scheme }}, scheme: {{ . }}{{ end }}}
  periodSeconds: 2
  failureThreshold: 60
readinessProbe:
  httpGet: {path: {{ .ready | default "/readyz" }}, port: {{ .port }}{{ with .scheme }}, scheme: {{ . }}{{ end }}}
  periodSeconds: 5
  timeoutSeconds: 3
  failureThreshold: 2
livenessProbe:
  httpGet: {path: {{ .live | default "/livez" }}, port: {{ .port }}{{ with .scheme }}, scheme: {{ . }}{{ end }}}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
{{- end }}

{{/* A Deployment; takes what lib.pod takes, and replicas, or scaled (somebody else counts them), and single. */}}
{{- define "lib.deployment" -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "lib.meta" . | nindent 2 }}
  annotations:
    {{- include "lib.afterMigrations" . | nindent 4 }}
spec:
  {{- if not .scaled }}
  replicas: {{ .replicas }}
  {{- end }}
  revisionHistoryLimit: 3
  strategy:
    {{- if .single }}
    type: Recreate
    {{- else }}
    type: RollingUpdate
    rollingUpdate:
      maxUnavailable: 0
      maxSurge: 1
    {{- end }}
  selector:
    matchLabels:
      {{- include "lib.selector" . | nindent 6 }}
  template:
    {{- include "lib.pod" . | nindent 4 }}
{{- end }}

{{/* Argo CD has migrations, a hook of its first wave, end before it goes on to what runs on the new tables. */}}
{{- define "lib.afterMigrations" -}}
argocd.argoproj.io/sync-wave: "1"
{{- end }}

{{/* A Service inside the cluster; takes ports (name -> number). */}}
{{- define "lib.service" -}}
apiVersion: v1
kind: Service
metadata:
  {{- include "lib.meta" . | nindent 2 }}
spec:
  selector:
    {{- include "lib.selector" . | nindent 4 }}
  ports:
    {{- range $name, $number := .ports }}
    - name: {{ $name }}
      port: {{ $number }}
      targetPort: {{ $name }}
    {{- end }}
{{- end }}

{{/* While nodes are drained one pod of the part at most is away. With a single pod it would forbid drains. */}}
{{- define "lib.disruptions" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "lib.meta" . | nindent 2 }}
spec:
  maxUnavailable: 1
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "lib.picks" . | nindent 6 }}
{{- end }}

{{- define "lib.account" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .Release.Name }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "lib.labels" (dict "top" . "part" "account") | nindent 4 }}
automountServiceAccountToken: false
{{- end }}
