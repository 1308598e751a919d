"""Keys of tenants for models and GitHub: kept encrypted, shown never, opened only by the functions that use them."""
