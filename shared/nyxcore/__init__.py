"""The product itself: no handler and no AWS event shape in here."""
