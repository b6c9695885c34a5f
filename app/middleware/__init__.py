"""Pure ASGI layers around the routes, outermost first: headers, address, observation, guards, limits."""
