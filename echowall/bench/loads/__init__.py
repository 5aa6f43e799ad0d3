"""The loads of a generator that are not messages which come back on connections that stay."""
