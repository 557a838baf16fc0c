"""What acore offers to other programs by the Model Context Protocol, however they reach it."""
