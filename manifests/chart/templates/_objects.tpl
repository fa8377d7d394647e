{{/*
The objects are those of the kustomizations: files/ leads there, and what a template does is to read one,
to change what a value says, and to print it. So nothing is written twice, and a change of a manifest
is one of the chart.
*/}}

{{/* One object, in this release: its namespace and more labels. Takes `root` and `object`. */}}
{{- define "emberscope.object" -}}
{{- $root := .root -}}
{{- $object := .object -}}
{{- if eq (default "" $object.metadata.namespace) "emberscope" -}}
{{- $_ := set $object.metadata "namespace" $root.Release.Namespace -}}
{{- end -}}
{{- range $object.subjects -}}
{{- if eq .namespace "emberscope" }}{{ $_ := set . "namespace" $root.Release.Namespace }}{{ end -}}
{{- end -}}
{{- with $root.Values.labels -}}
{{- $_ := set $object.metadata "labels" (merge dict ($object.metadata.labels | default dict) .) -}}
{{- end }}
---
{{ toYaml $object }}
{{- end -}}

{{/* All objects of a file, as they are. Takes `root` and `file`, a path below files/. */}}
{{- define "emberscope.file" -}}
{{- $root := .root -}}
{{- range $text := splitList "\n---\n" (include "emberscope.read" .) -}}
{{- include "emberscope.object" (dict "root" $root "object" (fromYaml $text)) }}
{{- end -}}
{{- end -}}

{{/* The text of a file. Takes `root` and `file`, a path below files/. */}}
{{- define "emberscope.read" -}}
{{- $text := .root.Files.Get (printf "files/%s" .file) -}}
{{- if not $text -}}
{{- fail (printf "files/%s is not there. The chart's files are links, which some tools leave out of what they fetch (Flux from Git): take the packaged chart" .file) -}}
{{- end -}}
{{- $text -}}
{{- end -}}

{{/*
The ConfigMaps that a kustomization's `configMapGenerator` would make, as a YAML list. Takes `root` and
`folder`, a path below files/.
*/}}
{{- define "emberscope.generated" -}}
{{- $root := .root -}}
{{- $folder := .folder -}}
{{- $kustomization := fromYaml (include "emberscope.read" (dict "root" $root "file" (printf "%s/kustomization.yaml" $folder))) -}}
{{- $maps := list -}}
{{- range $generator := $kustomization.configMapGenerator -}}
{{- $data := dict -}}
{{- range $generator.files -}}
{{- $path := splitList "=" . | last -}}
{{- $key := ternary (splitList "=" . | first) (base $path) (contains "=" .) -}}
{{- $_ := set $data $key (include "emberscope.read" (dict "root" $root "file" (printf "%s/%s" $folder $path))) -}}
{{- end -}}
{{- $metadata := dict "name" $generator.name -}}
{{- with $generator.namespace }}{{ $_ := set $metadata "namespace" . }}{{ end -}}
{{- $options := merge dict ($generator.options | default dict) ($kustomization.generatorOptions | default dict) -}}
{{- with $options.labels }}{{ $_ := set $metadata "labels" . }}{{ end -}}
{{- with $options.annotations }}{{ $_ := set $metadata "annotations" . }}{{ end -}}
{{- $maps = append $maps (dict "apiVersion" "v1" "kind" "ConfigMap" "metadata" $metadata "data" $data) -}}
{{- end -}}
{{ toYaml $maps }}
{{- end -}}

{{/* Where the values say on which nodes a pod may run. Takes `pod`, its spec, and `values`. */}}
{{- define "emberscope.schedule" -}}
{{- $pod := .pod -}}
{{- with .values.nodeSelector }}{{ $_ := set $pod "nodeSelector" (merge dict $pod.nodeSelector .) }}{{ end -}}
{{- with .values.tolerations }}{{ $_ := set $pod "tolerations" . }}{{ end -}}
{{- end -}}
