"""A library in a bucket of object storage: the same Lance dataset as in a folder, behind `obstore` and Lance."""
