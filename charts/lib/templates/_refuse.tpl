{{/*
Ends the rendering with every fault that was found, in words. Takes (list of lists): whether it is wrong, what to say.
*/}}
{{- define "lib.refuse" -}}
{{- $found := list }}
{{- range . }}{{ if index . 0 }}{{ $found = append $found (printf "- %s" (index . 1)) }}{{ end }}{{ end }}
{{- if $found }}{{ fail (printf "\n\nThese values cannot be:\n%s\n" (join "\n" $found)) }}{{ end }}
{{- end }}

{{/* "yes" for an address that encrypts and ends without a slash. */}}
{{- define "lib.isHttps" -}}
{{- if and (hasPrefix "https://" .) (not (hasSuffix "/" .)) (ne . "https://") }}yes{{ end -}}
{{- end }}
