"""What people attach: the files, and the bucket they are in."""
