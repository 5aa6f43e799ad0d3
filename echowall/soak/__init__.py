"""`echowall soak`: sockets that talk for a long time, and what grows meanwhile."""
