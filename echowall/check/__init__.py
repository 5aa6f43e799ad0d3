"""`echowall check`: small experiments with raw frames, which say what a WebSocket endpoint really does."""
