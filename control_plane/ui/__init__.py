"""Pages of the control plane's processes, in the looks of the cell's (`cell/ui/styles/sign-up.css`)."""
