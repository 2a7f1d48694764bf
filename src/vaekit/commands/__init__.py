"""What the commands of the terminal do, one module a group; `vaekit.cli` calls them."""
