//go:build tools

// Package tools pins what is built from other modules.
package tools

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
