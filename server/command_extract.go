package main

import (
	"github.com/spf13/cobra"

	"trivium/server/tutor"
)

// extractCommand reads one document for the tutor in a process of its own, so that a hostile document harms nothing else.
const extractCommand = "extract-text"

func newExtract() *cobra.Command {
	return &cobra.Command{
		Use:    extractCommand,
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return tutor.ExtractProcess(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
}
