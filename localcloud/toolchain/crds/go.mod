module contentgen/localcloud/toolchain/crds

go 1.25.0

require (
	github.com/cert-manager/cert-manager v1.19.0
	github.com/envoyproxy/gateway v1.6.0
	github.com/kedacore/keda/v2 v2.21.0
	github.com/prometheus-operator/prometheus-operator v0.85.0
	sigs.k8s.io/gateway-api v1.4.0
)
