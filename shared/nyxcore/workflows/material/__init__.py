"""What goes into a prompt besides the author's own words: values, fenced as data, whole or as digests."""
