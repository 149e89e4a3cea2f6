// Program pulumi-resource-docker is the Docker plugin for machines that cannot download the vendor's.
package main

import (
	_ "embed"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"redfleet.dev/tools/docker/provider"
)

//go:embed schema.json
var schema []byte

const version = "5.2.0"

func main() { tfbridge.Main("docker", version, provider.Provider(version), schema) }
