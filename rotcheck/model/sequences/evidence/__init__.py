"""What shows whether two ways of calling a model turn its tokens alike."""
