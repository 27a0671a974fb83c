{{/*
The arrows of docs/architecture.md inside a cluster, and no others: from, to, ports. One table for all charts; a chart
renders those that touch a part of its own, both ends of it. What is no part of the same release is an outside: the
values say where it is (network.outside), except for those that Kubernetes names the same everywhere.
*/}}
{{- define "lib.arrows" -}}
cell:
  - {from: browser, to: edge, ports: [8443]}
  - {from: registry, to: edge, ports: [8443]}
  - {from: provisioning, to: edge, ports: [8443]}
  - {from: edge, to: web, ports: [8000]}
  - {from: web, to: pooler, ports: [5432]}
  - {from: worker-light, to: pooler, ports: [5432]}
  - {from: worker-media, to: pooler, ports: [5432]}
  - {from: scheduler, to: pooler, ports: [5432]}
  - {from: migrate, to: postgres, ports: [5432]}
  - {from: pooler, to: postgres, ports: [5432]}
  - {from: postgres, to: postgres, ports: [5432, 8000]}
  - {from: operator, to: postgres, ports: [5432, 8000]}
  - {from: postgres, to: cluster, ports: [443, 6443]}
  - {from: pooler, to: cluster, ports: [443, 6443]}
  - {from: postgres, to: s3, ports: [443]}
  - {from: drill, to: s3, ports: [443]}
  - {from: web, to: redis, ports: [6379]}
  - {from: worker-light, to: redis, ports: [6379]}
  - {from: worker-media, to: redis, ports: [6379]}
  - {from: scheduler, to: redis, ports: [6379]}
  - {from: web, to: s3, ports: [443]}
  - {from: worker-light, to: s3, ports: [443]}
  - {from: worker-media, to: s3, ports: [443]}
  - {from: web, to: registry, ports: [443]}
  - {from: worker-light, to: registry, ports: [443]}
  - {from: scheduler, to: registry, ports: [443]}
  - {from: web, to: provisioning, ports: [443]}
  - {from: worker-light, to: mail, ports: [465, 587]}
  - {from: test, to: edge, ports: [8443]}
  - {from: test, to: web, ports: [8000]}
  - {from: prometheus, to: edge, ports: [9090]}
  - {from: prometheus, to: web, ports: [9090]}
  - {from: prometheus, to: worker-light, ports: [9090]}
  - {from: prometheus, to: worker-media, ports: [9090]}
  - {from: prometheus, to: scheduler, ports: [9090]}
  - {from: prometheus, to: postgres, ports: [9187]}
  - {from: prometheus, to: pooler, ports: [9127]}
  - {from: web, to: traces, ports: [4317, 4318]}
  - {from: worker-light, to: traces, ports: [4317, 4318]}
  - {from: worker-media, to: traces, ports: [4317, 4318]}
  - {from: scheduler, to: traces, ports: [4317, 4318]}
router:
  - {from: browser, to: edge, ports: [8443]}
  - {from: edge, to: router, ports: [8000]}
  - {from: router, to: registry, ports: [443]}
  - {from: router, to: published, ports: [443]}
  - {from: test, to: edge, ports: [8443]}
  - {from: test, to: router, ports: [8000]}
  - {from: prometheus, to: edge, ports: [9090]}
  - {from: prometheus, to: router, ports: [9090]}
  - {from: router, to: traces, ports: [4317, 4318]}
control-plane:
  - {from: browser, to: edge, ports: [8443]}
  - {from: cells, to: edge, ports: [8443]}
  - {from: provisioning, to: edge, ports: [8443]}
  - {from: routers, to: edge, ports: [8443]}
  - {from: edge, to: registry, ports: [8000]}
  - {from: registry, to: cells, ports: [443]}
  - {from: registry, to: published, ports: [443]}
  - {from: registry, to: postgres, ports: [5432]}
  - {from: migrate, to: postgres, ports: [5432]}
  - {from: postgres, to: postgres, ports: [5432, 8000]}
  - {from: operator, to: postgres, ports: [5432, 8000]}
  - {from: postgres, to: cluster, ports: [443, 6443]}
  - {from: postgres, to: backups, ports: [443]}
  - {from: drill, to: backups, ports: [443]}
  - {from: test, to: edge, ports: [8443]}
  - {from: test, to: registry, ports: [8000]}
  - {from: prometheus, to: edge, ports: [9090]}
  - {from: prometheus, to: registry, ports: [9090]}
  - {from: registry, to: traces, ports: [4317, 4318]}
  - {from: prometheus, to: postgres, ports: [9187]}
provisioning:
  - {from: browser, to: edge, ports: [8443]}
  - {from: cells, to: edge, ports: [8443]}
  - {from: edge, to: provisioning, ports: [8000]}
  - {from: provisioning, to: redis, ports: [6379]}
  - {from: provisioning, to: registry, ports: [443]}
  - {from: provisioning, to: cells, ports: [443]}
  - {from: provisioning, to: published, ports: [443]}
  - {from: provisioning, to: identity-providers, ports: [443]}
  - {from: test, to: edge, ports: [8443]}
  - {from: test, to: provisioning, ports: [8000]}
  - {from: prometheus, to: edge, ports: [9090]}
  - {from: prometheus, to: provisioning, ports: [9090]}
  - {from: provisioning, to: traces, ports: [4317, 4318]}
loadtest:
  - {from: worker, to: master, ports: [5557]}
  - {from: master, to: target, ports: [443]}
  - {from: worker, to: target, ports: [443]}
{{- end }}

{{/* One end of an arrow, as peers of a policy. Takes top, parts, end. */}}
{{- define "lib.peer" -}}
{{- if has .end .parts }}
- podSelector:
    matchLabels:
      {{- include "lib.picks" (dict "top" .top "part" .end) | nindent 6 }}
{{- else }}
{{- $where := index .top.Values.network.outside .end | default dict }}
{{- if and (not $where.cidrs) (not $where.pods) }}{{ fail (printf "\n\nnetwork.outside.%s: say where it is; pods are allowed to reach it, and nothing else like it\n" .end) }}{{ end }}
{{- range $where.cidrs }}
- ipBlock:
    cidr: {{ . }}
    {{- if and $where.except (eq . "0.0.0.0/0") }}
    except:
      {{- toYaml $where.except | nindent 6 }}
    {{- end }}
{{- end }}
{{- range $where.pods }}
- namespaceSelector:
    matchLabels:
      kubernetes.io/metadata.name: {{ .namespace }}
  podSelector:
    matchLabels:
      {{- toYaml .labels | nindent 6 }}
{{- end }}
{{- end }}
{{- end }}

{{- define "lib.ports" -}}
{{- range . }}
- {protocol: TCP, port: {{ . }}}
{{- end }}
{{- end }}

{{/*
A policy that closes everything, and one a part that opens its arrows. Takes top, parts (those that this release has),
and elsewhere: parts of the table that this release reaches outside, as a PostgreSQL of somebody else.
*/}}
{{- define "lib.networkPolicies" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ .top.Release.Name }}-closed
  namespace: {{ .top.Release.Namespace }}
  labels:
    {{- include "lib.labels" (dict "top" .top "part" "closed") | nindent 4 }}
spec:
  podSelector: {}
  policyTypes: [Ingress, Egress]
{{- $arrows := index (include "lib.arrows" .top | fromYaml) .top.Chart.Name }}
{{- range $part := .parts }}
{{- $me := dict "top" $.top "part" $part }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "lib.meta" $me | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "lib.picks" $me | nindent 6 }}
  policyTypes: [Ingress, Egress]
  ingress:
    {{- range $arrow := $arrows }}
    {{- if and (eq $arrow.to $part) (or (has $arrow.from $.parts) (hasKey $.top.Values.network.outside $arrow.from)) }}
    - from:
        {{- include "lib.peer" (dict "top" $.top "parts" $.parts "end" $arrow.from) | nindent 8 }}
      ports:
        {{- include "lib.ports" $arrow.ports | nindent 8 }}
    {{- end }}
    {{- end }}
  egress:
    - to:
        - namespaceSelector:
            matchLabels:
              kubernetes.io/metadata.name: kube-system
          podSelector:
            matchLabels:
              k8s-app: kube-dns
      ports:
        - {protocol: UDP, port: 53}
        - {protocol: TCP, port: 53}
    {{- range $arrow := $arrows }}
    {{- if and (eq $arrow.from $part) (or (has $arrow.to $.parts) (hasKey $.top.Values.network.outside $arrow.to)) }}
    {{- $ports := (index $.top.Values.network.outside $arrow.to | default dict).ports | default $arrow.ports }}
    - to:
        {{- include "lib.peer" (dict "top" $.top "parts" $.parts "end" $arrow.to) | nindent 8 }}
      ports:
        {{- include "lib.ports" $ports | nindent 8 }}
    {{- end }}
    {{- end }}
{{- end }}
{{- end }}
