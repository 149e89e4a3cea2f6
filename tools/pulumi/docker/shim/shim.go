// Package shim opens the upstream provider's constructor: it is internal to that module, and a
// package whose import path lies below the module's may import it.
package shim

import (
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
	"github.com/terraform-providers/terraform-provider-docker/internal/provider"
)

// NewProvider returns the upstream provider.
func NewProvider() *schema.Provider { return provider.New("dev")() }
