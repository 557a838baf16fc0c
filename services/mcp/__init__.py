"""Tools of servers outside, by the Model Context Protocol."""
