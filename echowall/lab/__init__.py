"""The running lab, as containers or as processes, and the site and the proxy configuration that it serves."""
