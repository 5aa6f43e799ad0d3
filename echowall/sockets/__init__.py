"""How many idle sockets each stack holds through the proxy, and what it keeps when they have gone."""
