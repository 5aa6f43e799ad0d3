"""The tool of Echo Wall: the catalog of services, and the lab that runs them."""
