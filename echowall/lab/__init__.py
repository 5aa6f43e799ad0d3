"""The running lab: containers or processes, and the site and proxy configuration that they serve."""
