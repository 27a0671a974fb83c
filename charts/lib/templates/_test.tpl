{{/* `helm test`: the process is ready, and the edge answers over TLS. Takes top, process (part:port). */}}
{{- define "lib.test" -}}
apiVersion: v1
kind: Pod
{{- $edge := .top.Values.edge.enabled }}
{{- $ready := printf "http://%s-%s/readyz" .top.Release.Name .process }}
{{- $pod := include "lib.pod" (dict
  "top" .top "part" "test" "restart" "Never"
  "command" (list "python" "-c" (include "lib.testScript" .))
  "args" (list $ready (ternary (printf "%s-edge" .top.Release.Name) "" $edge) (include "lib.host" .url))
  "folders" (dict "/tmp" "16Mi")
  "resources" (dict "requests" (dict "cpu" "50m" "memory" "64Mi") "limits" (dict "memory" "128Mi"))
) | fromYaml }}
metadata:
  {{- include "lib.meta" (dict "top" .top "part" "test") | nindent 2 }}
  annotations:
    helm.sh/hook: test
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
spec:
  {{- toYaml $pod.spec | nindent 2 }}
{{- end }}

{{- define "lib.testScript" -}}
import socket, ssl, sys, urllib.request
ready, edge, host = sys.argv[1:]
print(urllib.request.urlopen(ready, timeout=10).read().decode())
if edge:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # whether it answers, not who certifies it
    with context.wrap_socket(socket.create_connection((edge, 443), 10), server_hostname=host) as line:
        line.sendall(f"GET /edgez HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        said = line.recv(4096)
        print(line.version(), said.splitlines()[0])
        sys.exit(0 if b" 200 " in said.splitlines()[0] else 1)
{{- end }}
