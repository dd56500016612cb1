"""Keep vectors and find pages: the seam (``base``), the reference (``memory``), one machine (``local``)."""
