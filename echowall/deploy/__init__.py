"""The lab on several machines: what Docker Swarm and Kubernetes are told, written from the catalog and from Compose's
files."""
