{{/* Redis: one, on a volume, with a password and TLS. Takes $. */}}
{{- define "lib.redis" -}}
{{- $redis := .Values.redis }}
{{- $me := dict "top" . "part" "redis" }}
{{- $host := include "lib.name" $me }}
apiVersion: v1
kind: ConfigMap
metadata:
  {{- include "lib.meta" $me | nindent 2 }}
data:
  redis.conf: |
    port 0
    tls-port 6379
    tls-cert-file /etc/redis/tls/tls.crt
    tls-key-file /etc/redis/tls/tls.key
    tls-ca-cert-file /etc/redis/tls/ca.crt
    tls-auth-clients no
    tls-protocols "TLSv1.2 TLSv1.3"
    dir /data
    appendonly yes
    appendfsync everysec
    save ""
    # Sessions and the state of uploads are no cache: nothing is thrown away.
    maxmemory {{ $redis.memory }}
    maxmemory-policy noeviction
    databases 1
    aclfile /run/redis/users.acl
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  {{- include "lib.meta" $me | nindent 2 }}
spec:
  replicas: 1
  serviceName: {{ $host }}
  selector:
    matchLabels:
      {{- include "lib.selector" $me | nindent 6 }}
  template:
    {{- include "lib.pod" (dict
      "top" . "part" "redis" "uid" 999 "grace" 60
      "image" (include "lib.image" $redis.image)
      "command" (list "/bin/sh" "-c" (include "lib.redisStart" .))
      "annotations" (dict "cellcast/configuration" ($redis | toJson | sha256sum))
      "env" (include "lib.secretEnv" (dict "top" . "name" "REDIS_PASSWORD" "key" "redis-password"))
      "ports" (dict "redis" 6379)
      "probes" (include "lib.redisProbes" .)
      "resources" $redis.resources
      "folders" (dict "/run/redis" "1Mi")
      "mounts" "- {name: data, mountPath: /data}\n- {name: configuration, mountPath: /etc/redis, readOnly: true}\n- {name: tls, mountPath: /etc/redis/tls, readOnly: true}"
      "volumes" (printf "- name: configuration\n  configMap: {name: %s}\n- name: tls\n  secret: {secretName: %s-tls, defaultMode: 0440}" $host $host)
    ) | nindent 4 }}
  volumeClaimTemplates:
    - metadata:
        name: data
      spec:
        accessModes: [ReadWriteOnce]
        {{- with $redis.storage.class }}
        storageClassName: {{ . }}
        {{- end }}
        resources:
          requests:
            storage: {{ $redis.storage.size }}
---
apiVersion: v1
kind: Service
metadata:
  {{- include "lib.meta" $me | nindent 2 }}
spec:
  clusterIP: None
  selector:
    {{- include "lib.selector" $me | nindent 4 }}
  ports:
    - {name: redis, port: 6379, targetPort: redis}
---
{{ include "lib.ownAuthority" . }}
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata:
  {{- include "lib.meta" $me | nindent 2 }}
spec:
  secretName: {{ $host }}-tls
  issuerRef: {kind: Issuer, name: {{ .Release.Name }}-own}
  dnsNames:
    - {{ $host }}
    - {{ $host }}.{{ .Release.Namespace }}.svc
  usages: [server auth]
  privateKey: {algorithm: ECDSA, size: 256, rotationPolicy: Always}
{{- end }}

{{- define "lib.redisStart" -}}
umask 077
printf 'user default on >%s ~* &* +@all -@dangerous +info\n' "$REDIS_PASSWORD" >/run/redis/users.acl
unset REDIS_PASSWORD
exec redis-server /etc/redis/redis.conf
{{- end }}

{{- define "lib.redisProbes" -}}
startupProbe:
  tcpSocket: {port: redis}
  periodSeconds: 2
  failureThreshold: 150
readinessProbe:
  tcpSocket: {port: redis}
  periodSeconds: 5
livenessProbe:
  tcpSocket: {port: redis}
  periodSeconds: 10
  failureThreshold: 6
{{- end }}

{{/* An authority of the release's own, for what only its own parts connect to. Takes $. */}}
{{- define "lib.ownAuthority" -}}
apiVersion: cert-manager.io/v1
kind: Issuer
metadata:
  {{- include "lib.meta" (dict "top" . "part" "self") | nindent 2 }}
spec:
  selfSigned: {}
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata:
  {{- include "lib.meta" (dict "top" . "part" "authority") | nindent 2 }}
spec:
  isCA: true
  commonName: {{ .Release.Name }}
  secretName: {{ .Release.Name }}-authority
  duration: 87600h
  issuerRef: {kind: Issuer, name: {{ .Release.Name }}-self}
  privateKey: {algorithm: ECDSA, size: 256}
---
apiVersion: cert-manager.io/v1
kind: Issuer
metadata:
  {{- include "lib.meta" (dict "top" . "part" "own") | nindent 2 }}
spec:
  ca:
    secretName: {{ .Release.Name }}-authority
{{- end }}
