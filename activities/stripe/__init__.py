"""The Stripe adapter behind the port `Payments`. The library of the same name is meant by absolute imports."""
