"""May this job start? A policy, held against what a comparison found."""
