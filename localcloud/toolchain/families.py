"""The programs that are built from Go modules: one family a go.mod and one call of the compiler, so that a package of
several programs is compiled once. The families stay apart because they want different versions of the same modules.
The versions of the modules stand in the go.mod files; those that a binary must report stand here.
"""

from __future__ import annotations

from localcloud.toolchain.family import Binary, Cut, Family, ModuleFiles, Reduced

PULUMI_VERSION = "3.255.0"
KUBERNETES_VERSION = "1.36.3"
KUBERNETES_PROVIDER_VERSION = "4.25.0"
KWOK_VERSION = "0.8.0"
KEDA_VERSION = "2.21.0"

_ENGINE = "github.com/pulumi/pulumi/pkg/v3"
_PULUMI_SDK = "github.com/pulumi/pulumi/sdk/v3"
_PROVIDER = "github.com/pulumi/pulumi-kubernetes/provider/v4"
_KEDA = "github.com/kedacore/keda/v2"


def _kubernetes(command: str) -> Binary:
    symbol = "k8s.io/component-base/version"
    major, minor, _ = KUBERNETES_VERSION.split(".")
    variables = (
        f"{symbol}.gitVersion=v{KUBERNETES_VERSION}",
        f"{symbol}.gitMajor={major}",
        f"{symbol}.gitMinor={minor}",
    )
    return Binary(command, f"k8s.io/kubernetes/cmd/{command}", variables)


def _kwok(command: str) -> Binary:
    symbol = "sigs.k8s.io/kwok/pkg/consts.Version"
    return Binary(command, f"sigs.k8s.io/kwok/cmd/{command}", (f"{symbol}=v{KWOK_VERSION}",))


def _stages(folder: str) -> ModuleFiles:
    return ModuleFiles("sigs.k8s.io/kwok", f"kustomize/stage/{folder}/*.yaml", "stages")


def _metrics(folder: str) -> ModuleFiles:
    return ModuleFiles("sigs.k8s.io/kwok", f"kustomize/metrics/{folder}/*-*.yaml", f"metrics/{folder}")


def _gateway(kind: str) -> ModuleFiles:
    pattern = f"config/crd/standard/gateway.networking.k8s.io_{kind}.yaml"
    return ModuleFiles("sigs.k8s.io/gateway-api", pattern, "crds")


def _envoy(kind: str) -> ModuleFiles:
    pattern = f"charts/gateway-helm/crds/generated/gateway.envoyproxy.io_{kind}.yaml"
    return ModuleFiles("github.com/envoyproxy/gateway", pattern, "crds")


def _certificate(kind: str) -> ModuleFiles:
    return ModuleFiles("github.com/cert-manager/cert-manager", f"deploy/crds/cert-manager.io_{kind}.yaml", "crds")


def _keda(kind: str) -> ModuleFiles:
    return ModuleFiles(_KEDA, f"config/crd/bases/keda.sh_{kind}.yaml", "crds")


def _prometheus(kind: str) -> ModuleFiles:
    folder = "example/prometheus-operator-crd"
    pattern = f"{folder}/monitoring.coreos.com_{kind}.yaml"
    return ModuleFiles("github.com/prometheus-operator/prometheus-operator", pattern, "crds")


_ENGINE_VERSION = (f"{_PULUMI_SDK}/go/common/version.Version=v{PULUMI_VERSION}",)

# A stack of the real cloud takes the official engine alone; this one has its state in a folder and its
# secrets by a passphrase. The clients of the clouds are a tenth of its packages, and the biggest.
_WITHOUT_CLOUDS = Reduced(
    module=_ENGINE,
    without="states and keys kept by AWS, Azure, Google Cloud or Vault",
    cuts=(
        Cut(
            "backend/diy/backend.go",
            after='\t"gocloud.dev/blob"\n',
            before='\t"gocloud.dev/gcerrors"\n',
            instead='\t_ "gocloud.dev/blob/fileblob"\n',
        ),
        Cut(
            "backend/diy/backend.go",
            after='\t"gocloud.dev/gcerrors"\n\n',
            before='\t"github.com/pulumi/pulumi/pkg/v3/backend"\n',
        ),
        Cut(
            "backend/diy/backend.go",
            after="\tblobmux := blob.DefaultURLMux()\n\n",
            before="\tbucket, err := blobmux.OpenBucket(ctx, u)\n",
        ),
        Cut(
            "secrets/cloud/manager.go",
            after='\tgosecrets "gocloud.dev/secrets"\n',
            before='\t"github.com/pulumi/pulumi/pkg/v3/secrets"\n',
        ),
        Cut("secrets/cloud/manager.go", after="\tswitch u.Scheme {\n", before="\tdefault:\n"),
    ),
)
# The component resources that the provider itself makes are written with the Go SDK of every Kubernetes kind, the
# costliest packages of all. No stack declares one, and the provider refuses them by name.
_WITHOUT_CHARTS = Reduced(
    module=_PROVIDER,
    without="its own component resources (ConfigFile and ConfigGroup v2, Chart v4, Directory v2)",
    cuts=(
        Cut(
            "pkg/provider/provider_construct.go",
            after='\t"fmt"\n\n',
            before='\tproviderresource "github.com/pulumi/',
        ),
        Cut(
            "pkg/provider/provider_construct.go",
            after='/v4/pkg/provider/resource"\n',
            before='\t"github.com/pulumi/pulumi/sdk/v3/go/common/util/contract"\n',
        ),
        Cut(
            "pkg/provider/provider_construct.go",
            after="map[string]providerresource.ResourceProviderFactory{\n",
            before="}\n",
        ),
        # Its schema generator, which does not run in the provider, was written for an earlier version of the SDK.
        Cut("pkg/gen/schema.go", after="\t\tProvider: ", before="pschema.ResourceSpec{", instead="&"),
    ),
)
# First because everything else waits for it, and because most of what the engine waits for is compiled here.
KUBERNETES = Family(
    "kubernetes",
    "k8s.io/kubernetes",
    5,
    (
        *map(_kubernetes, ("kube-apiserver", "kube-controller-manager", "kube-scheduler")),
        Binary("etcd", "go.etcd.io/etcd/server/v3"),
        _kwok("kwok"),
        _kwok("kwokctl"),
        Binary("metrics-server", "sigs.k8s.io/metrics-server/cmd/metrics-server"),
    ),
    (
        *map(_stages, ("node/fast", "node/heartbeat-with-lease", "pod/fast", "volume/fast")),
        *map(_metrics, ("resource", "usage")),
        ModuleFiles("sigs.k8s.io/metrics-server", "manifests/base/*.yaml", "manifests"),
    ),
)
ENGINE = Family(
    "engine",
    _ENGINE,
    6,
    (
        Binary("pulumi", f"{_ENGINE}/cmd/pulumi", _ENGINE_VERSION),
        Binary("pulumi-language-python", "./languagehost", _ENGINE_VERSION),
        Binary(
            "pulumi-resource-kubernetes",
            "./provider",
            (f"{_PROVIDER}/pkg/version.Version=v{KUBERNETES_PROVIDER_VERSION}",),
        ),
    ),
    (
        ModuleFiles(_PULUMI_SDK, "python/cmd/pulumi-language-python-exec", "bin"),
        ModuleFiles(_PROVIDER, "cmd/pulumi-resource-kubernetes/schema.json", "provider", for_build=True),
        ModuleFiles(_PROVIDER, "cmd/pulumi-resource-kubernetes/terraform-mapping.json", "provider", for_build=True),
    ),
    reduced=(_WITHOUT_CLOUDS, _WITHOUT_CHARTS),
)
# Only the kinds that are declared: each costs every control plane memory.
CRDS = Family(
    "crds",
    "sigs.k8s.io/gateway-api",
    0.5,
    files=(
        *map(_gateway, ("gatewayclasses", "gateways", "httproutes", "referencegrants")),
        *map(_envoy, ("backendtrafficpolicies", "clienttrafficpolicies", "envoyproxies")),
        *map(_certificate, ("certificates", "issuers")),
        *map(_keda, ("scaledobjects", "triggerauthentications")),
        *map(_prometheus, ("podmonitors", "prometheusrules")),
    ),
)
# The operator is KEDA's own main with a file of ours beside it; the adapter is ours. Of KEDA's seventy scalers those
# that a stack declares are compiled: the clients of all clouds and brokers were three quarters of the build.
_KEDA_VERSION = (f"{_KEDA}/version.Version=v{KEDA_VERSION}",)
KEDA = Family(
    "keda",
    _KEDA,
    4,
    (Binary("keda-operator", "./operator", _KEDA_VERSION), Binary("keda-adapter", "./adapter", _KEDA_VERSION)),
    (ModuleFiles(_KEDA, "cmd/operator/*.go", "operator", for_build=True),),
    reduced=(
        Reduced(
            module=_KEDA,
            without="scalers other than postgresql, cpu and memory",
            cuts=(
                Cut(
                    "pkg/scaling/scalers_builder.go",
                    after="\tswitch triggerType {\n",
                    before="\tdefault:\n",
                    instead='\tcase "postgresql":\n\t\treturn scalers.NewPostgreSQLScaler(ctx, config)\n'
                    '\tcase "cpu":\n\t\treturn scalers.NewCPUMemoryScaler(corev1.ResourceCPU, config)\n'
                    '\tcase "memory":\n\t\treturn scalers.NewCPUMemoryScaler(corev1.ResourceMemory, config)\n',
                ),
                # Stated beside another scaler.
                Cut(
                    "pkg/scalers/postgresql_scaler.go",
                    after="const (\n",
                    before="\t// Azure AD resource ID",
                    instead='\texternalMetricType = "External"\n',
                ),
            ),
            folder="pkg/scalers",
            kept=("scaler.go", "postgresql_scaler.go", "cpu_memory_scaler.go"),
        ),
    ),
)

ACTIONLINT = Family(
    "actionlint",
    "github.com/rhysd/actionlint",
    0.5,
    (Binary("actionlint", "github.com/rhysd/actionlint/cmd/actionlint"),),
)
"""Checks the workflows, for tests alone."""

PROMTOOL = Family(
    "promtool",
    "github.com/prometheus/prometheus",
    2.5,
    (Binary("promtool", "github.com/prometheus/prometheus/cmd/promtool"),),
    tags=("remove_all_sd",),
)
"""Checks and tries the alert rules, for tests alone. Without the clients of every cloud it could discover targets in,
which no rule needs and which are most of its build.
"""

FIRST = (KUBERNETES, ENGINE, CRDS)
"""The families without which no stack answers."""
LATER = (KEDA,)
"""The families that a running stack takes up when they are there."""
TESTING = (PROMTOOL, ACTIONLINT)
FAMILIES = (*FIRST, *LATER, *TESTING)
