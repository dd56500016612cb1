"""Why this page: similarities of regions and query words, and pictures of them."""
