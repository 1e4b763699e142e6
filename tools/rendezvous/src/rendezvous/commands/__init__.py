"""The operator's commands, a group a module; what they do stands in the modules beside."""
