"""Reading in other processes, so that a file that crashes its reader takes only that process down."""
