"""The carriers behind EasyPost: tracking, return labels and insurance claims (docs/carriers.md)."""
