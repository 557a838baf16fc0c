"""Running people's and characters' code in a closed process."""
