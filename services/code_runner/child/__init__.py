"""What runs inside the closed process; knows nothing of the rest."""
