"""What Baygrid is measured beside, where a package from PyPI does not serve."""
