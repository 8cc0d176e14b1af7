"""HTTP for storefronts, support desks, carriers and payment providers, beside the worker: `python -m gateway`."""
