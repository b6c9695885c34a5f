"""video-gateway: short videos from a prompt, rendered by ComfyUI on a GPU or by an embedded renderer without one."""
