"""What is run by hand and by `make`; `ls` says what there is."""
