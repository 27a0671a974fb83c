"""The commands of operators. Each asks the control plane over HTTP; nothing here touches the registry itself."""
