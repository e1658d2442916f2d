"""HAWK-I as data; see README.md."""
