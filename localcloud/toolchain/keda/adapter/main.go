// What answers the autoscalers for KEDA on the embedded cloud: the external metrics API, every question passed on to
// the operator. KEDA's own adapter does the same, but carries the operator's packages (120 MB a region) and shows its
// own figures on every address of the machine.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/kedacore/keda/v2/pkg/metricsservice/api"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/metrics/pkg/apis/external_metrics"
	basecmd "sigs.k8s.io/custom-metrics-apiserver/pkg/cmd"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider/defaults"
)

// The label by which KEDA's autoscalers name the ScaledObject they are made for.
const scaledObject = "scaledobject.keda.sh/name"

type answers struct {
	defaults.DefaultExternalMetricsProvider
	operator api.MetricsServiceClient
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "keda-adapter:", err)
		os.Exit(1)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	adapter := &basecmd.AdapterBase{Name: "keda-adapter"}
	address := adapter.Flags().String("metrics-service-address", "", "where the operator answers for metrics")
	if err := adapter.Flags().Parse(os.Args[1:]); err != nil {
		return err
	}
	identity, err := credentialsIn(adapter.SecureServing.ServerCert.CertDirectory)
	if err != nil {
		return err
	}
	connection, err := grpc.NewClient(*address, grpc.WithTransportCredentials(identity))
	if err != nil {
		return err
	}
	defer connection.Close()
	adapter.WithExternalMetrics(&answers{operator: api.NewMetricsServiceClient(connection)})
	return adapter.Run(ctx)
}

// credentialsIn reads the files that KEDA names so; the operator wants to know who asks.
func credentialsIn(folder string) (credentials.TransportCredentials, error) {
	certificate, err := tls.LoadX509KeyPair(filepath.Join(folder, "tls.crt"), filepath.Join(folder, "tls.key"))
	if err != nil {
		return nil, err
	}
	authority, err := os.ReadFile(filepath.Join(folder, "ca.crt"))
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authority) {
		return nil, fmt.Errorf("%s holds no certificate", filepath.Join(folder, "ca.crt"))
	}
	return credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{certificate}, RootCAs: pool}), nil
}

func (a *answers) GetExternalMetric(
	ctx context.Context, namespace string, selector labels.Selector, metric provider.ExternalMetricInfo,
) (*external_metrics.ExternalMetricValueList, error) {
	name, found := selector.RequiresExactMatch(scaledObject)
	if !found {
		return nil, fmt.Errorf("the question for %s names no ScaledObject by the label %s", metric.Metric, scaledObject)
	}
	asked := &api.ScaledObjectRef{Name: name, Namespace: namespace, MetricName: metric.Metric}
	told, err := a.operator.GetMetrics(ctx, asked)
	if err != nil {
		return nil, err
	}
	list := &external_metrics.ExternalMetricValueList{}
	for _, one := range told.GetItems() {
		value, err := resource.ParseQuantity(one.GetValue().GetString_())
		if err != nil {
			return nil, fmt.Errorf("%s of %s: %w", one.GetMetricName(), name, err)
		}
		list.Items = append(list.Items, external_metrics.ExternalMetricValue{
			MetricName:   one.GetMetricName(),
			MetricLabels: one.GetMetricLabels(),
			Timestamp:    metav1.NewTime(time.Unix(one.GetTimestamp().GetSeconds(), int64(one.GetTimestamp().GetNanos()))),
			Value:        value,
		})
	}
	return list, nil
}
