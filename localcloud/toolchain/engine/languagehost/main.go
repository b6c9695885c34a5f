// The Python language host for machines that cannot fetch the official release: the gRPC LanguageRuntime service on
// top of the packages that the official host is made of (its toolchain package and its exec script), so programs see
// the same sys.path, the same messages and the same exit codes. It serves what running a program and a policy pack
// needs; code generation is not among it and answers Unimplemented, by name.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"

	pbempty "github.com/golang/protobuf/ptypes/empty"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	"github.com/pulumi/pulumi/sdk/v3/go/common/version"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/pulumi/pulumi/sdk/v3/python/toolchain"
	"google.golang.org/grpc"
)

// The exec script's exit code for "the error was already shown to the user".
const exitAlreadyReported = 32

type languageHost struct {
	pulumirpc.UnimplementedLanguageRuntimeServer
	execScript string
	engine     string
}

func main() {
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, "pulumi-language-python:", err)
		os.Exit(1)
	}
}

func serve() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	host := &languageHost{execScript: filepath.Join(filepath.Dir(self), "pulumi-language-python-exec")}
	if len(os.Args) > 1 {
		host.engine = os.Args[len(os.Args)-1]
	}
	cancel := make(chan bool)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		<-signals
		// The engine waits five seconds for a host that lingers after the signal.
		os.Exit(0)
	}()
	handle, err := rpcutil.ServeWithOptions(rpcutil.ServeOptions{
		Cancel: cancel,
		Init: func(server *grpc.Server) error {
			pulumirpc.RegisterLanguageRuntimeServer(server, host)
			return nil
		},
	})
	if err != nil {
		return err
	}
	fmt.Printf("%d\n", handle.Port)
	return <-handle.Done
}

func options(info *pulumirpc.ProgramInfo) (toolchain.PythonOptions, error) {
	result := toolchain.PythonOptions{Root: info.RootDirectory, ProgramDir: info.ProgramDirectory}
	fields := info.Options.AsMap()
	if value, ok := fields["virtualenv"].(string); ok {
		result.Virtualenv = value
	}
	switch name, _ := fields["toolchain"].(string); name {
	case "":
		result.Toolchain = toolchain.Auto
	case "pip":
		result.Toolchain = toolchain.Pip
	case "uv":
		result.Toolchain = toolchain.Uv
	case "poetry":
		result.Toolchain = toolchain.Poetry
	default:
		return result, fmt.Errorf("runtime option toolchain is %q; allowed: pip, uv, poetry", name)
	}
	return result, nil
}

func pythonOf(info *pulumirpc.ProgramInfo) (toolchain.Toolchain, error) {
	chosen, err := options(info)
	if err != nil {
		return nil, err
	}
	return toolchain.ResolveToolchain(chosen)
}

func (host *languageHost) Handshake(
	_ context.Context, request *pulumirpc.LanguageHandshakeRequest,
) (*pulumirpc.LanguageHandshakeResponse, error) {
	host.engine = request.EngineAddress
	return &pulumirpc.LanguageHandshakeResponse{}, nil
}

func (host *languageHost) GetPluginInfo(context.Context, *pbempty.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: version.Version}, nil
}

// GetRequiredPackages reads the marker file that every provider SDK carries in its package.
func (host *languageHost) GetRequiredPackages(
	ctx context.Context, request *pulumirpc.GetRequiredPackagesRequest,
) (*pulumirpc.GetRequiredPackagesResponse, error) {
	python, err := pythonOf(request.Info)
	if err != nil {
		return nil, err
	}
	response := &pulumirpc.GetRequiredPackagesResponse{}
	environment, err := python.VirtualEnvPath(ctx)
	if err != nil || environment == "" {
		return response, err
	}
	markers, err := filepath.Glob(filepath.Join(environment, "lib", "python*", "site-packages", "*", "pulumi-plugin.json"))
	if err != nil {
		return nil, err
	}
	for _, marker := range markers {
		var plugin struct {
			Resource bool   `json:"resource"`
			Name     string `json:"name"`
			Version  string `json:"version"`
			Server   string `json:"server"`
		}
		text, err := os.ReadFile(marker)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(text, &plugin); err != nil {
			return nil, fmt.Errorf("%s is not a plugin description: %w", marker, err)
		}
		if plugin.Resource {
			response.Packages = append(response.Packages, &pulumirpc.PackageDependency{
				Kind: "resource", Name: plugin.Name, Version: "v" + plugin.Version, Server: plugin.Server,
			})
		}
	}
	return response, nil
}

func programArguments(host *languageHost, request *pulumirpc.RunRequest) []string {
	arguments := []string{"-u", host.execScript}
	for _, flag := range [][2]string{
		{"--monitor", request.MonitorAddress}, {"--engine", host.engine}, {"--project", request.Project},
		{"--root_directory", request.Info.RootDirectory}, {"--stack", request.Stack}, {"--pwd", request.Pwd},
		{"--organization", request.Organization}, {"--parallel", strconv.Itoa(int(request.Parallel))},
	} {
		if flag[1] != "" {
			arguments = append(arguments, flag[0], flag[1])
		}
	}
	if request.DryRun {
		arguments = append(arguments, "--dry_run", "true")
	}
	arguments = append(arguments, filepath.Join(request.Info.ProgramDirectory, request.Info.EntryPoint))
	return append(arguments, request.Args...)
}

func (host *languageHost) Run(ctx context.Context, request *pulumirpc.RunRequest) (*pulumirpc.RunResponse, error) {
	python, err := pythonOf(request.Info)
	if err != nil {
		return nil, err
	}
	if err := python.ValidateVenv(ctx); err != nil {
		return nil, err
	}
	command, err := python.Command(ctx, programArguments(host, request)...)
	if err != nil {
		return nil, err
	}
	// Empty, never null: the exec script iterates over both.
	config, err := json.Marshal(maps.Collect(maps.All(request.Config)))
	if err != nil {
		return nil, err
	}
	secretKeys, err := json.Marshal(append([]string{}, request.ConfigSecretKeys...))
	if err != nil {
		return nil, err
	}
	if command.Env == nil {
		command.Env = os.Environ()
	}
	command.Env = append(command.Env, "PULUMI_CONFIG="+string(config), "PULUMI_CONFIG_SECRET_KEYS="+string(secretKeys))
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	return programResponse(command.Run())
}

func programResponse(err error) (*pulumirpc.RunResponse, error) {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return &pulumirpc.RunResponse{}, nil
	case errors.As(err, &exit) && exit.ExitCode() == exitAlreadyReported:
		return &pulumirpc.RunResponse{Bail: true}, nil
	case errors.As(err, &exit):
		return &pulumirpc.RunResponse{Error: fmt.Sprintf("Program exited with code %d (%s)", exit.ExitCode(), exit)}, nil
	default:
		return nil, fmt.Errorf("the program could not be started: %w", err)
	}
}

// RunPlugin runs a policy pack by the SDK's own runner, and any other plugin as a Python program.
func (host *languageHost) RunPlugin(
	request *pulumirpc.RunPluginRequest, server pulumirpc.LanguageRuntime_RunPluginServer,
) error {
	python, err := pythonOf(request.Info)
	if err != nil {
		return err
	}
	arguments := append([]string{"-u", request.Info.ProgramDirectory}, request.Args...)
	if request.Kind == "analyzer" {
		arguments = append(append([]string{"-u", "-m", "pulumi.policy"}, request.Args...), request.Info.ProgramDirectory)
	}
	command, err := python.Command(server.Context(), arguments...)
	if err != nil {
		return err
	}
	closer, stdout, stderr, err := rpcutil.MakeRunPluginStreams(server, false)
	if err != nil {
		return err
	}
	defer closer.Close()
	if len(request.Env) > 0 {
		command.Env = append(command.Env, request.Env...)
	}
	command.Dir, command.Stdout, command.Stderr = request.Pwd, stdout, stderr
	var exit *exec.ExitError
	if err := command.Run(); errors.As(err, &exit) {
		return errors.Join(closer.Close(), server.Send(&pulumirpc.RunPluginResponse{
			Output: &pulumirpc.RunPluginResponse_Exitcode{Exitcode: int32(exit.ExitCode())},
		}))
	} else if err != nil {
		return fmt.Errorf("the plugin %s could not be started: %w", request.Name, err)
	}
	return nil
}

func (host *languageHost) InstallDependencies(
	request *pulumirpc.InstallDependenciesRequest, server pulumirpc.LanguageRuntime_InstallDependenciesServer,
) error {
	python, err := pythonOf(request.Info)
	if err != nil {
		return err
	}
	closer, stdout, stderr, err := rpcutil.MakeInstallDependenciesStreams(server, request.IsTerminal)
	if err != nil {
		return err
	}
	defer closer.Close()
	return python.InstallDependencies(
		server.Context(), request.Info.ProgramDirectory, request.UseLanguageVersionTools, true, stdout, stderr)
}

func (host *languageHost) About(
	ctx context.Context, request *pulumirpc.AboutRequest,
) (*pulumirpc.AboutResponse, error) {
	python, err := pythonOf(request.Info)
	if err != nil {
		return nil, err
	}
	about, err := python.About(ctx)
	if err != nil {
		return nil, err
	}
	return &pulumirpc.AboutResponse{
		Executable: about.PythonExecutable,
		Version:    about.PythonVersion.String(),
		Metadata:   map[string]string{"host": "built from the official packages"},
	}, nil
}
